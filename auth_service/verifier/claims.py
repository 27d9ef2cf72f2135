"""What an access token says, once it has been verified (RFC 9068 section 2.2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of a verified access token; times are seconds since 1970 (RFC 7519 section 2)."""

    issuer: str
    subject: str
    expires_at: float
    issued_at: float
    token_id: str
    client_id: str | None
    session_id: str | None
    auth_time: float | None
    amr: tuple[str, ...]
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    email_verified: bool
