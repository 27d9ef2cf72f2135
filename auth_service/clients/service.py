"""Service clients: made and removed by administrators, and told from one another by a secret."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog

from auth_service.clients import repository
from auth_service.clients.client import ClientWithSecret, StoredClient
from auth_service.clients.client_name import read_name
from auth_service.clients.client_secret import hash_of, matches, new_secret
from auth_service.clients.errors import ClientNotFound, InvalidClient
from auth_service.clients.scope import distinct
from auth_service.core.clock import Clock
from auth_service.core.errors import ValidationFailed
from auth_service.core.ids import new_id
from auth_service.db.batches import in_batches
from auth_service.db.session import Database, Transaction

log = structlog.get_logger()


class ServiceClients:
    """The use cases of service clients."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def authenticate(self, client_id: str, secret: str) -> StoredClient:
        """The client that has this id and this secret (RFC 6749 section 2.3.1).

        Raises:
            InvalidClient: there is none.
            ServiceUnavailable: the database cannot be reached.
        """
        client = await self.find(client_id)
        known = (
            (None, None)
            if client is None
            else (
                client.secret_hash,
                client.previous_secret_hash,
            )
        )
        if not matches(secret, *known) or client is None:
            raise InvalidClient
        return client

    async def find(self, client_id: str) -> StoredClient | None:
        """A client by the id that its tokens carry, in its one spelling."""
        try:
            found = UUID(client_id)
        except ValueError:
            return None
        return await repository.find(self._database, found) if str(found) == client_id else None

    async def create(self, db: Transaction, name: str, scopes: Iterable[str]) -> ClientWithSecret:
        """Make a client; its secret is never to be had again.

        Raises:
            ValidationFailed: the name is none, or one of the scopes.
        """
        secret, now = new_secret(), self._clock.now()
        client = StoredClient(
            id=new_id(),
            name=read_name(name),
            scopes=distinct(scopes),
            secret_hash=hash_of(secret),
            previous_secret_hash=None,
            secret_changed_at=now,
            created_at=now,
        )
        await repository.add(db, client)
        log.info("client_created", client_id=str(client.id))
        return ClientWithSecret(client, secret)

    async def change_secret(
        self, db: Transaction, client_id: UUID, *, keep_previous: bool = True
    ) -> ClientWithSecret:
        """Give a client a new secret; the one in use stays good until the next change.

        With ``keep_previous`` false all others are refused at once: for a secret others may have.

        Raises:
            ClientNotFound: there is no such client.
        """
        secret = new_secret()
        client = await repository.change_secret(
            db,
            client_id,
            new_hash=hash_of(secret),
            keep_previous=keep_previous,
            now=self._clock.now(),
        )
        if client is None:
            raise ClientNotFound
        log.info("client_secret_changed", client_id=str(client_id))
        return ClientWithSecret(client, secret)

    async def remove(self, db: Transaction, client_id: UUID) -> None:
        """Delete a client; introspection refuses its tokens from the commit on.

        Raises:
            ClientNotFound: there is no such client.
        """
        if not await repository.remove(db, client_id):
            raise ClientNotFound
        log.info("client_removed", client_id=str(client_id))

    async def list_page(
        self, db: Transaction, *, after: UUID | None, limit: int
    ) -> list[StoredClient]:
        """Clients in the order they were made."""
        return await repository.list_page(db, after=after, limit=limit)

    async def list_known_as(self, db: Transaction, text: str) -> list[StoredClient]:
        """The client with this id, or else those with this name; several may have one name."""
        client = await self.find(text)
        if client is not None:
            return [client]
        try:
            return await repository.list_named(db, read_name(text))
        except ValidationFailed:
            return []  # what is no name is nobody's

    async def revoke_token(self, db: Transaction, jti: str, *, expires_at: float) -> None:
        """Refuse a client's token from the commit on, until it expires (seconds since 1970)."""
        await repository.add_revoked(
            db, jti, expires_at=datetime.fromtimestamp(expires_at, UTC), now=self._clock.now()
        )

    async def is_revoked(self, jti: str) -> bool:
        """Whether a client's token was revoked."""
        return await repository.is_revoked(self._database, jti)

    async def remove_expired(self) -> None:
        """Delete what was noted of tokens that have expired by now, in small batches."""
        await in_batches(self._database, partial(repository.remove_expired, now=self._clock.now()))
