"""Fields that several request bodies and answers have."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from auth_service.core.emails import MAXIMUM_LENGTH, Email, InvalidEmailError

MAXIMUM_PASSWORD_LENGTH: Final = 4096
CREDENTIALS_EXAMPLE: Final = {"email": "ada@example.com", "password": "analytical engine 1843"}


class RequestBody(BaseModel):
    """The parent of every JSON body: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid")


def _email(value: Any) -> Email:  # noqa: ANN401 - whatever was submitted
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    try:
        return Email.parse(value)
    except InvalidEmailError as fault:
        raise PydanticCustomError("invalid_email", "This is not a valid e-mail address.") from fault


EmailField = Annotated[
    Email,
    PlainValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAXIMUM_LENGTH}),
]
PasswordField = Annotated[
    str,
    Field(
        min_length=1, max_length=MAXIMUM_PASSWORD_LENGTH, json_schema_extra={"format": "password"}
    ),
]
"""A password as typed. Whether a new one is good enough is for ``methods.password`` to say."""
MailedTokenField = Annotated[
    str,
    Field(
        max_length=512,
        description="The token from the mail: what stands behind `#token=` in its link.",
        examples=["5Zp0rW9kq1yq0c2mF8o1m1H1cN3e0u5Jt8yq2mQ7r3c"],
    ),
]


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_rfc3339, return_type=str, when_used="json-unless-none"),
    Field(json_schema_extra={"format": "date-time"}),
]
