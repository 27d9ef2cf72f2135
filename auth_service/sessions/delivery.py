"""Handing tokens to a client: all in the body, or the refresh token as a cookie."""

from fastapi import Response

from auth_service.sessions import cookie
from auth_service.sessions.schemas import TokenAnswer
from auth_service.sessions.service import SessionTokens
from auth_service.settings import Settings


def deliver(
    tokens: SessionTokens,
    response: Response,
    *,
    by_cookie: bool,
    settings: Settings,
    is_breached: bool = False,
) -> TokenAnswer:
    """The answer; by cookie, the refresh token is set there and nowhere else."""
    if by_cookie:
        cookie.put(
            response, tokens.refresh_token, max_age=tokens.refresh_expires_in, settings=settings
        )
    return TokenAnswer.of(tokens, with_refresh_token=not by_cookie, is_breached=is_breached)
