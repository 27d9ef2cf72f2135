"""The owner's mailbox: where links with tokens go, and notices of what was done."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.mail.links import Links
from auth_service.mail.message import Mail, MailKind
from auth_service.mail.outbox import Outbox
from auth_service.mail.wording import circumstances, spelled
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.users.account import Account

_LINK: Final[dict[Purpose, Callable[[Links, str], str]]] = {
    Purpose.VERIFY_EMAIL: Links.verify_email,
    Purpose.CHANGE_EMAIL: Links.verify_email,
    Purpose.RESET_PASSWORD: Links.reset_password,
    Purpose.SET_PASSWORD: Links.reset_password,
    Purpose.UNDO_EMAIL_CHANGE: Links.undo_email_change,
}


class Mailbox:
    """Writes to people. All of it is sent only if the transaction commits."""

    def __init__(
        self,
        *,
        tokens: MailedTokens,
        outbox: Outbox,
        links: Links,
        clock: Clock,
        admits: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._admits = admits
        self._tokens = tokens
        self._outbox = outbox
        self._links = links
        self._clock = clock

    async def may_send(self, kind: MailKind, to: Email) -> bool:
        """Whether an address may get another mail of a kind that anybody can ask for.

        Each kind has a budget of its own, which only mails that are sent use up: whoever asks for
        one in a stranger's name cannot keep another from its owner.
        """
        return await self._admits(f"{kind}:{to.key}")

    async def send_link(
        self,
        db: Transaction,
        kind: MailKind,
        purpose: Purpose,
        *,
        user_id: UUID,
        to: Email,
        **values: str,
    ) -> None:
        """Mail a link whose token is good for the purpose, and bound to the address it goes to."""
        token = await self._tokens.issue(db, user_id, purpose, bound_to=to)
        values["link"] = _LINK[purpose](self._links, token)
        values["valid_for"] = spelled(self._tokens.ttl(purpose))
        await self._outbox.put(db, Mail(kind, to.address, values, user_id))

    async def tell(
        self, db: Transaction, kind: MailKind, account: Account, client: ClientInfo
    ) -> None:
        """Mail a notice of what was done on an account, when, with what and from where."""
        values = circumstances(client, self._clock.now())
        await self._outbox.put(db, Mail(kind, account.email, values, account.id))

    async def say_goodbye(self, db: Transaction, account: Account, client: ClientInfo) -> None:
        """Delete what was to be sent about an account, but for the news that it is gone."""
        await self._outbox.forget_user(db, account.id)
        values = circumstances(client, self._clock.now())
        await self._outbox.put(db, Mail(MailKind.ACCOUNT_DELETED, account.email, values))

    async def tell_of_attempt(self, db: Transaction, to: Email) -> None:
        """Mail the owner of an address that somebody tried to use it for another account."""
        values = {"link": self._links.frontend_url}
        await self._outbox.put(db, Mail(MailKind.REGISTRATION_ATTEMPT, to.address, values))
