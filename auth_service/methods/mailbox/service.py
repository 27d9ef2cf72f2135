"""The owner's mailbox: where links with tokens go, and notices of what was done."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.mail.links import Links
from auth_service.mail.message import Mail, MailKind
from auth_service.mail.outbox import Outbox
from auth_service.mail.wording import circumstances, spelled, spelled_time
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose, RawMailedToken, StoredMailedToken
from auth_service.users.account import Account
from auth_service.web.client_ip import wide_network_key
from auth_service.web.rate_limit_policy import PolicyName

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
        admits: Callable[[PolicyName, str], Awaitable[bool]],
    ) -> None:
        self._admits = admits
        self._tokens = tokens
        self._outbox = outbox
        self._links = links
        self._clock = clock

    async def may_send(self, kind: MailKind, to: Email, client: ClientInfo) -> bool:
        """Whether an address may get another mail of a kind that anybody can ask for.

        Each kind has a budget for each network that asks, which only mails that are sent use up:
        whoever asks for one in a stranger's name cannot keep another from its owner. All of them
        together have a budget too.
        """
        network = wide_network_key(client.ip)
        return await self._admits("mail", f"{kind}:{network}:{to.key}") and await self.has_room(to)

    async def has_room(self, to: Email) -> bool:
        """Whether strangers may cause another mail to this address, of whatever kind."""
        return await self._admits("mail-address", to.key)

    async def _may_tell(self, account: Account) -> bool:
        """Whether to mail a notice; nobody knows that an address which was not verified is theirs.

        Somebody who registers a stranger's address could have them sent notices without end.
        """
        return account.email_verified or await self.has_room(Email.parse(account.email))

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
        ttl = self._tokens.ttl(purpose)
        token = await self._tokens.issue(db, user_id, purpose, bound_to=to, ttl=ttl)
        values |= self._link(purpose, token, ttl)
        await self._outbox.put(db, Mail(kind, to.address, values, user_id))

    def _link(self, purpose: Purpose, token: RawMailedToken, ttl: timedelta) -> dict[str, str]:
        return {"link": _LINK[purpose](self._links, token), "valid_for": spelled(ttl)}

    async def tell(
        self, db: Transaction, kind: MailKind, account: Account, client: ClientInfo
    ) -> None:
        """Mail a notice of what was done on an account, when, with what and from where."""
        if not await self._may_tell(account):
            return
        values = circumstances(client, self._clock.now())
        await self._outbox.put(db, Mail(kind, account.email, values, account.id))

    async def say_goodbye(
        self, db: Transaction, account: Account, client: ClientInfo, *, is_announced: bool
    ) -> None:
        """Delete unsent mail about an account; notify it of its deletion unless it was before."""
        await self._outbox.forget_user(db, account.id)
        if is_announced or not await self._may_tell(account):
            return
        values = circumstances(client, self._clock.now())
        await self._outbox.put(db, Mail(MailKind.ACCOUNT_DELETED, account.email, values))

    async def announce_closing(
        self,
        db: Transaction,
        account: Account,
        undo_links: Sequence[StoredMailedToken],
        client: ClientInfo,
    ) -> None:
        """Tell an account's address that it was closed, and each earlier one how to reopen it.

        The new links are good for as long as the ones they repeat.
        """
        now = self._clock.now()
        facts = circumstances(client, now)
        deleted_at = spelled_time(max(link.expires_at for link in undo_links))
        values = {"deleted_at": deleted_at, **facts}
        await self._outbox.put(db, Mail(MailKind.ACCOUNT_CLOSED, account.email, values, account.id))
        for link in undo_links:
            ttl = link.expires_at - now
            token = await self._tokens.issue(
                db, account.id, Purpose.UNDO_EMAIL_CHANGE, bound_to=link.bound_to, ttl=ttl
            )
            values = {"old_email": link.email, **facts}
            values |= self._link(Purpose.UNDO_EMAIL_CHANGE, token, ttl)
            await self._outbox.put(
                db, Mail(MailKind.ACCOUNT_CLOSED_UNDO, link.email, values, account.id)
            )

    async def tell_of_attempt(self, db: Transaction, to: Email) -> None:
        """Mail the owner of an address that somebody tried to use it for another account."""
        values = {"link": self._links.frontend_url}
        await self._outbox.put(db, Mail(MailKind.REGISTRATION_ATTEMPT, to.address, values))
