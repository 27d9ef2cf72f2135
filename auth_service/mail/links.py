"""The links that mails carry: to the frontend, with the token where only a browser sees it."""

from dataclasses import dataclass

from auth_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Links:
    """Links below ``AUTH_FRONTEND_URL``.

    A token is in the fragment (RFC 3986 section 3.5), which no browser sends to a server: it
    reaches no log and no ``Referer``, and a scanner that follows the link uses nothing up.
    """

    frontend_url: str

    @classmethod
    def of(cls, settings: Settings) -> "Links":
        """Links for ``AUTH_FRONTEND_URL``."""
        return cls(settings.frontend_url)

    def verify_email(self, token: str) -> str:
        """Where an address is confirmed."""
        return f"{self.frontend_url}/verify-email#token={token}"

    def reset_password(self, token: str) -> str:
        """Where a new password is chosen."""
        return f"{self.frontend_url}/reset-password#token={token}"

    def undo_email_change(self, token: str) -> str:
        """Where the old address takes its account back."""
        return f"{self.frontend_url}/undo-email-change#token={token}"
