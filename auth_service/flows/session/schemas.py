"""What a refresh and a logout take."""

from typing import Annotated

from pydantic import Field

from auth_service.web.fields import RequestBody

RefreshTokenField = Annotated[
    str | None,
    Field(max_length=512, description="Left out where the cookie carries it."),
]


class RefreshRequest(RequestBody):
    """The refresh token to exchange."""

    refresh_token: RefreshTokenField = None


class LogoutRequest(RequestBody):
    """The refresh token of the session to end."""

    refresh_token: RefreshTokenField = None
