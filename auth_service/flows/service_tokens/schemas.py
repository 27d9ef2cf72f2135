"""What the token endpoint takes and gives."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TokenRequest(BaseModel):
    """The form of RFC 6749 sections 4.3.2 and 6; other fields are ignored (section 3.2)."""

    grant_type: Annotated[str, Field(max_length=100, examples=["password", "refresh_token"])]
    username: Annotated[
        str | None, Field(max_length=320, description="The address (`password`).")
    ] = None
    password: Annotated[
        str | None, Field(max_length=4096, json_schema_extra={"format": "password"})
    ] = None
    refresh_token: Annotated[str | None, Field(max_length=512)] = None
    scope: Annotated[str | None, Field(max_length=1000)] = None
    client_id: Annotated[str | None, Field(max_length=100)] = None
    client_secret: Annotated[
        str | None, Field(max_length=512, json_schema_extra={"format": "password"})
    ] = None


class OAuthErrorAnswer(BaseModel):
    """An error in the form of RFC 6749 section 5.2."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "invalid_grant",
                    "error_description": "The address or the password is wrong",
                }
            ]
        }
    )

    error: Literal[
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unsupported_grant_type",
        "temporarily_unavailable",
        "server_error",
    ]
    error_description: str
