"""What the OAuth endpoints take and give."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAXIMUM_TOKEN_LENGTH = 16384


class ClientForm(BaseModel):
    """Who calls, where it does not stand in HTTP Basic; other fields are ignored."""

    client_id: Annotated[str | None, Field(max_length=100)] = None
    client_secret: Annotated[
        str | None, Field(max_length=512, json_schema_extra={"format": "password"})
    ] = None


class TokenRequest(ClientForm):
    """The form of RFC 6749 sections 4.3.2, 4.4.2 and 6; other fields are ignored (section 3.2)."""

    grant_type: Annotated[
        str,
        Field(max_length=100, examples=["password", "refresh_token", "client_credentials"]),
    ]
    username: Annotated[
        str | None, Field(max_length=320, description="The address (`password`).")
    ] = None
    password: Annotated[
        str | None, Field(max_length=4096, json_schema_extra={"format": "password"})
    ] = None
    refresh_token: Annotated[str | None, Field(max_length=512)] = None
    scope: Annotated[
        str | None,
        Field(max_length=4000, description="Separated by spaces (`client_credentials`)."),
    ] = None


class TokenForm(ClientForm):
    """A token to look at or to revoke (RFC 7662 section 2.1, RFC 7009 section 2.1)."""

    token: Annotated[
        str | None,
        Field(max_length=MAXIMUM_TOKEN_LENGTH, description="An access or a refresh token."),
    ] = None
    token_type_hint: Annotated[
        str | None, Field(max_length=100, description="Not needed, and ignored.")
    ] = None


class ClientTokenAnswer(BaseModel):
    """A service's token (RFC 6749 section 4.4.3): without a refresh token, for it can ask again."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the type, not the token
    expires_in: Annotated[int, Field(description="Seconds the access token is good for.")]
    scope: Annotated[
        str | None, Field(description="What was granted; left out where that is nothing.")
    ] = None


class IntrospectionAnswer(BaseModel):
    """What is known of a token (RFC 7662 section 2.2); of a dead one, that it is not active."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "active": True,
                    "token_use": "access_token",
                    "token_type": "bearer",
                    "iss": "https://auth.example.com",
                    "sub": "019b17d7-0dac-7549-bd4f-3506907d1583",
                    "aud": "https://auth.example.com",
                    "exp": 1800000900,
                    "iat": 1800000000,
                    "jti": "019b17d7-0dac-7549-bd4f-3506907d1584",
                    "client_id": "auth-service",
                    "username": "ada@example.com",
                    "sid": "019b17d7-0dac-7549-bd4f-3506907d1585",
                    "auth_time": 1800000000,
                    "amr": ["pwd"],
                    "roles": ["user"],
                    "email_verified": True,
                },
                {"active": False},
            ]
        }
    )

    active: bool
    token_use: Annotated[
        Literal["access_token", "refresh_token"] | None,
        Field(description="A refresh token is no access token, though both may be active."),
    ] = None
    token_type: Literal["bearer"] | None = None
    iss: str | None = None
    sub: str | None = None
    aud: str | None = None
    exp: int | None = None
    iat: int | None = None
    jti: str | None = None
    client_id: str | None = None
    username: Annotated[
        str | None, Field(description="A person's address, for clients with the scope `email`.")
    ] = None
    sid: Annotated[str | None, Field(description="A person's session.")] = None
    auth_time: int | None = None
    amr: list[str] | None = None
    roles: Annotated[
        list[str] | None, Field(description="Those of now, not those in the token.")
    ] = None
    scope: str | None = None
    email_verified: bool | None = None


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
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "insufficient_scope",
        "temporarily_unavailable",
        "server_error",
    ]
    error_description: str


OAuthResponses = dict[int | str, dict[str, Any]]
_DESCRIPTIONS = {
    400: "The request cannot be granted",
    401: "Unknown client",
    403: "The client may not do this",
    413: "The form is too large",
    415: "Not a form",
    429: "Too many requests",
    503: "The service cannot answer right now",
}


def oauth_errors(*statuses: int) -> OAuthResponses:
    """The ``responses`` of a route whose errors have the form of RFC 6749."""
    return {
        status: {"model": OAuthErrorAnswer, "description": _DESCRIPTIONS[status]}
        for status in statuses
    }
