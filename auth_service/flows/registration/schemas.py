"""What registration takes."""

from typing import Any, ClassVar

from auth_service.web.fields import CREDENTIALS_EXAMPLE, EmailField, PasswordField, RequestBody


class RegistrationRequest(RequestBody):
    """A new account's address and password."""

    model_config: ClassVar[Any] = {"json_schema_extra": {"examples": [CREDENTIALS_EXAMPLE]}}

    email: EmailField
    password: PasswordField
