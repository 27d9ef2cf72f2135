"""What a login takes."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from auth_service.web.fields import CREDENTIALS_EXAMPLE, EmailField, PasswordField, RequestBody


class LoginRequest(RequestBody):
    """An address, its password, and how the refresh token should come back."""

    model_config: ClassVar[Any] = {"json_schema_extra": {"examples": [CREDENTIALS_EXAMPLE]}}

    email: EmailField
    password: PasswordField
    delivery: Annotated[
        Literal["body", "cookie"],
        Field(description="`cookie` keeps the refresh token out of reach of scripts in a browser."),
    ] = "body"
