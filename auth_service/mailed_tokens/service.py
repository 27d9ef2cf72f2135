"""Mailed tokens: issued for a mail, consumed once, void when what they rely on has changed."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.ids import new_id
from auth_service.db.batches import in_batches
from auth_service.db.session import Database, Transaction
from auth_service.mailed_tokens import repository, wish_repository
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.mailed_tokens.token import (
    Purpose,
    RawMailedToken,
    StoredMailedToken,
    find_form,
    hash_of,
    new_token,
)
from auth_service.settings import Settings

UNDO_TTL: Final = timedelta(hours=72)
MAXIMUM_OUTSTANDING: Final = 5
# An undo survives every later change: it is what the owner has against whoever made them.
_VOIDED_BY_A_CHANGE: Final = frozenset(Purpose) - {Purpose.UNDO_EMAIL_CHANGE}


class MailedTokens:
    """The use cases of a token that goes out by mail."""

    def __init__(self, *, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._ttl = {
            Purpose.VERIFY_EMAIL: settings.verify_ttl,
            Purpose.CHANGE_EMAIL: settings.verify_ttl,
            Purpose.RESET_PASSWORD: settings.reset_ttl,
            # Nobody waits for this mail before an open login page.
            Purpose.SET_PASSWORD: settings.verify_ttl,
            Purpose.UNDO_EMAIL_CHANGE: UNDO_TTL,
        }

    def ttl(self, purpose: Purpose) -> timedelta:
        """How long a token for this purpose is good."""
        return self._ttl[purpose]

    async def issue(
        self,
        db: Transaction,
        user_id: UUID,
        purpose: Purpose,
        *,
        bound_to: Email,
        ttl: timedelta,
    ) -> RawMailedToken:
        """A new token of a user, for a mail to the address it is bound to.

        Effect: those that are just arriving stay good, the newest five of a purpose.
        """
        raw, now = new_token(), self._clock.now()
        token = StoredMailedToken(
            id=new_id(),
            token_hash=hash_of(raw),
            purpose=purpose.value,
            user_id=user_id,
            email=bound_to.address,
            email_key=bound_to.key,
            created_at=now,
            expires_at=now + ttl,
        )
        if purpose is not Purpose.UNDO_EMAIL_CHANGE:
            await repository.remove_all_but_newest(
                db, user_id, purpose, keep=MAXIMUM_OUTSTANDING - 1
            )
        await repository.add(db, token)
        return raw

    async def get(self, token: str, *purposes: Purpose) -> StoredMailedToken:
        """A token that is good for one of the purposes; it stays so.

        Raises:
            InvalidToken: it is not.
        """
        raw = find_form(token)
        found = None if raw is None else await repository.find(self._database, hash_of(raw))
        if found is None or found.purpose not in purposes or found.expires_at <= self._clock.now():
            raise InvalidToken
        return found

    async def consume(self, db: Transaction, token: StoredMailedToken) -> None:
        """Use a token up; of many who try at once, one succeeds.

        Raises:
            InvalidToken: it was used, or made void, since it was read.
        """
        taken = await repository.take(
            db, token.token_hash, Purpose(token.purpose), self._clock.now()
        )
        if taken is None:
            raise InvalidToken

    async def void(self, db: Transaction, user_id: UUID) -> None:
        """Make void what was sent to a user, or is about to be, but undo links.

        For when a credential has changed.
        """
        await repository.remove(db, user_id, _VOIDED_BY_A_CHANGE)
        await wish_repository.remove_of_user(db, user_id)

    async def void_made_after(self, db: Transaction, token: StoredMailedToken) -> None:
        """Make void the same, and undo links of changes that were made after this token was."""
        await self.void(db, token.user_id)
        await repository.remove_made_after(db, token)

    async def is_reserved(self, db: Transaction, email: Email, *, against: UUID) -> bool:
        """Whether an undo link keeps the address for somebody else than this user."""
        return await repository.exists_for_another(
            db, email.key, Purpose.UNDO_EMAIL_CHANGE, user_id=against, now=self._clock.now()
        )

    async def list_reserved(self, db: Transaction, email_keys: Collection[str]) -> set[str]:
        """Those of the addresses (by key) that undo links keep for somebody."""
        return await repository.list_reserved(db, email_keys, now=self._clock.now())

    async def has_live(self, db: Transaction, user_id: UUID, *purposes: Purpose) -> bool:
        """Whether a user has been sent a token for one of these purposes that is still good."""
        return await repository.has_live(db, user_id, purposes, now=self._clock.now())

    async def list_undo_links(self, db: Transaction, user_id: UUID) -> list[StoredMailedToken]:
        """The live undo links of a user, the oldest first."""
        return await repository.list_live(
            db, user_id, Purpose.UNDO_EMAIL_CHANGE, now=self._clock.now()
        )

    async def remove_expired(self) -> None:
        """Delete tokens that have expired, in small batches."""
        await in_batches(self._database, partial(repository.remove_expired, now=self._clock.now()))
