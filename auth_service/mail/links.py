"""Where the links in mails lead: to the frontend, the token behind the ``#``.

What stands there is never sent to a server by itself, so that it lands in no log, and a scanner
that follows a link uses no token up.
"""

from dataclasses import dataclass
from typing import Self

from auth_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Links:
    """The pages of the frontend that take a token."""

    frontend_url: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Links into ``AUTH_FRONTEND_URL``."""
        return cls(settings.frontend_url)

    def verify_email(self, token: str) -> str:
        """The page that confirms an address."""
        return f"{self.frontend_url}/verify-email#token={token}"

    def reset_password(self, token: str) -> str:
        """The page that asks for a new password."""
        return f"{self.frontend_url}/reset-password#token={token}"

    def undo_email_change(self, token: str) -> str:
        """The page that takes a change of address back."""
        return f"{self.frontend_url}/undo-email-change#token={token}"
