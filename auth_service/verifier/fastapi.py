"""Access tokens as a FastAPI dependency of another service.

verifier = TokenVerifier(issuer="https://auth.example.com", audience="https://api.example.com")
Caller = Annotated[AccessClaims, Depends(RequireToken(verifier))]
Editor = Annotated[AccessClaims, Depends(RequireToken(verifier, scopes=["reports:write"]))]

@app.get("/reports")
async def list_reports(caller: Caller) -> ...:
"""

import logging
import re
from collections.abc import Iterable
from typing import Final

from fastapi import HTTPException, Request
from fastapi.security import HTTPBearer

from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.errors import InvalidTokenError, IssuerUnavailableError
from auth_service.verifier.token_verifier import TokenVerifier

_logger: Final = logging.getLogger(__name__)
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+")


class RequireToken(HTTPBearer):
    """A dependency that gives the claims of the caller's access token, or refuses the request.

    The caller needs all of the ``scopes`` and all of the ``roles``. With ``live`` the issuer is
    asked at each request whether the token is still good (``TokenVerifier.verify_live``).

    It answers 401 where there is no valid token, 403 where a scope or role is missing, 503 where
    the issuer cannot be reached. What is wrong with a token is logged, and not told.

    Raises:
        ValueError: ``live`` needs a verifier that was made with ``introspection``; no scope can be
            spelled so (RFC 6749 section 3.3); a role is empty.
        TypeError: a single text was given for several, or something that is no text.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        live: bool = False,
    ) -> None:
        if live and not verifier.can_introspect:
            raise ValueError("live needs a verifier with introspection=ClientCredentials(…)")
        super().__init__(
            scheme_name="AccessToken",
            bearerFormat="JWT",
            description="An access token of the authentication service.",
            auto_error=False,
        )
        self._verify = verifier.verify_live if live else verifier.verify
        self._scopes = _several(scopes)
        self._roles = _several(roles)
        if not all(_SCOPE.fullmatch(scope) for scope in self._scopes):
            raise ValueError("a scope has a space, a quote or another character that none can have")
        if not all(role.strip() for role in self._roles):
            raise ValueError("a role is empty")

    async def __call__(self, request: Request) -> AccessClaims:  # type: ignore[override]
        """The claims of the caller.

        Raises:
            HTTPException: 401, 403 or 503 (RFC 6750 section 3).
        """
        credentials = await super().__call__(request)
        if credentials is None:
            raise _refusal(401, "An access token is required", "Bearer")
        try:
            claims = await self._verify(credentials.credentials)
        except InvalidTokenError as fault:
            _logger.info("%s", fault)
            raise _refusal(
                401, "The access token is not valid", 'Bearer error="invalid_token"'
            ) from fault
        except IssuerUnavailableError as fault:
            _logger.warning("%s", fault)
            raise HTTPException(
                503,
                "Access tokens cannot be checked right now",
                headers={"Retry-After": str(fault.retry_after)},
            ) from fault
        self._refuse_insufficient(claims)
        return claims

    def _refuse_insufficient(self, claims: AccessClaims) -> None:
        if set(self._scopes) <= set(claims.scopes) and set(self._roles) <= set(claims.roles):
            return
        challenge = 'Bearer error="insufficient_scope"'
        if self._scopes:
            challenge += f', scope="{" ".join(self._scopes)}"'
        raise _refusal(403, "The access token does not allow this", challenge)


def _several(names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise TypeError("a list is needed, not one text")
    several = tuple(names)
    if not all(isinstance(name, str) for name in several):
        raise TypeError("a scope or role is no text: is it set?")
    return several


def _refusal(status: int, detail: str, challenge: str) -> HTTPException:
    return HTTPException(status, detail, headers={"WWW-Authenticate": challenge})
