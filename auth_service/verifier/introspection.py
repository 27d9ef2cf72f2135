"""Asking the issuer whether a token is live this moment (RFC 7662)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus

from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.errors import (
    FailedExchangeError,
    IntrospectionUnavailableError,
    InvalidTokenError,
)
from auth_service.verifier.issuer_http import Answer, IssuerHttp
from auth_service.verifier.members import scopes_of, texts_of
from auth_service.verifier.strict_json import parse_strict_json


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What this service is known by at the issuer: ``auth-service clients create`` makes them.

    Raises:
        ValueError: one of the two is not set.
    """

    client_id: str
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Notice credentials that are not set before a token has to be asked about."""
        if not self.client_id or not self.client_secret:
            raise ValueError("client_id and client_secret have to be set")

    def as_basic(self) -> str:
        """The ``Authorization`` header, each part form-encoded first (RFC 6749 section 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")


class Introspection:
    """The issuer's introspection endpoint."""

    def __init__(self, http: IssuerHttp, *, url: str, credentials: ClientCredentials) -> None:
        self._http = http
        self._url = url
        self._headers = {"Authorization": credentials.as_basic()}

    async def ask(self, token: str, claims: AccessClaims) -> AccessClaims:
        """The claims of a token as they are now; they were verified before.

        Raises:
            InvalidTokenError: the token is not live (any more).
            IntrospectionUnavailableError: the issuer cannot be asked or did not say.
        """
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            answer = await self._http.post(self._url, form, self._headers)
        except FailedExchangeError as fault:
            raise IntrospectionUnavailableError(f"the issuer cannot be asked: {fault}") from fault
        said = _object_in(answer)
        if said.get("active") is False:
            raise InvalidTokenError("inactive")
        if said.get("active") is not True:
            raise IntrospectionUnavailableError("the issuer did not say whether the token is live")
        return _as_of_now(claims, said)


def _object_in(answer: Answer) -> Mapping[str, Any]:
    if answer.status == 401:  # noqa: PLR2004 - Unauthorized
        raise IntrospectionUnavailableError("the issuer does not accept this client's credentials")
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise IntrospectionUnavailableError(f"the issuer answered with status {answer.status}")
    try:
        said = parse_strict_json(answer.body)
    except ValueError as fault:
        raise IntrospectionUnavailableError("the issuer's answer is no JSON") from fault
    if not isinstance(said, dict):
        raise IntrospectionUnavailableError("the issuer's answer is no object")
    return said


def _as_of_now(claims: AccessClaims, said: Mapping[str, Any]) -> AccessClaims:
    """What can change while a token lives, as the issuer says it, where it does."""
    try:
        return replace(
            claims,
            roles=texts_of(said, "roles") if "roles" in said else claims.roles,
            scopes=scopes_of(said) if "scope" in said else claims.scopes,
            email_verified=said.get("email_verified", claims.email_verified) is True,
        )
    except InvalidTokenError as fault:
        raise IntrospectionUnavailableError("the issuer's answer is malformed") from fault
