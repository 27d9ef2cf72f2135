"""What a login and a refresh answer."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from auth_service.sessions.service import SessionTokens


class TokenAnswer(BaseModel):
    """An access token for the API, and the refresh token that gets the next one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln",
                    "token_type": "bearer",
                    "expires_in": 900,
                    "refresh_token": "rt_AZsX1w2sdUm9TzUGkH0VgwAAAAAAAK3R6dXl5dY0m",
                    "refresh_expires_in": 1209600,
                    "session_id": "019b17d7-0dac-7549-bd4f-3506907d1583",
                }
            ]
        }
    )

    access_token: Annotated[
        str, Field(description="A JWT (RFC 9068), for `Authorization: Bearer`.")
    ]
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the type, not the token
    expires_in: Annotated[int, Field(description="Seconds the access token is good for.")]
    refresh_token: Annotated[
        str | None,
        Field(description="Good for one refresh. Absent where it is delivered as a cookie."),
    ] = None
    refresh_expires_in: Annotated[int, Field(description="Seconds until the session is idle.")]
    session_id: UUID
    password_status: Annotated[
        Literal["breached"] | None,
        Field(
            description="`breached`: the password is known from a data breach; ask for another. "
            "Absent otherwise."
        ),
    ] = None

    @classmethod
    def of(
        cls, tokens: SessionTokens, *, with_refresh_token: bool, is_breached: bool = False
    ) -> "TokenAnswer":
        """The answer for these tokens; the refresh token is left out where a cookie carries it."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token if with_refresh_token else None,
            refresh_expires_in=tokens.refresh_expires_in,
            session_id=tokens.session_id,
            password_status="breached" if is_breached else None,
        )
