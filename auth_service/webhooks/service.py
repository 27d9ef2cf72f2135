"""Webhook endpoints, and what is put into the outbox for them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.repository import StoredEvent
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction
from auth_service.mail.message import Mail, MailKind
from auth_service.mail.outbox import Outbox
from auth_service.mail.retries import delay_after
from auth_service.mail.wording import spelled_time
from auth_service.settings import Settings
from auth_service.users.repository import list_administrators
from auth_service.webhooks import repository
from auth_service.webhooks.addresses import ForbiddenTargetError, checked_url
from auth_service.webhooks.errors import WebhookNotFound
from auth_service.webhooks.event_types import PING, TYPE_OF, TYPES
from auth_service.webhooks.models import SECRETS
from auth_service.webhooks.repository import StoredEndpoint
from auth_service.webhooks.signing import new_secret

KIND: Final = "webhook"
"""What a row of the outbox is called that is no mail."""
DISABLED_AFTER: Final = timedelta(days=3)
"""How long an endpoint may take nothing before it gets nothing any more."""
_A_RUN_ENDS: Final = timedelta(days=1)
_PURPOSE: Final = SECRETS[0].purpose
_WELL: Final[dict[str, Any]] = {"failing_since": None, "retry_at": None, "failures": 0}


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: StoredEndpoint
    secret: str


class Webhooks:
    """The use cases of endpoints, and the listener that hears of every event."""

    def __init__(  # noqa: PLR0913 - endpoints stand on many parts, each named
        self,
        *,
        database: Database,
        audit: Audit,
        outbox: Outbox,
        keyring: Keyring,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._audit = audit
        self._outbox = outbox
        self._keyring = keyring
        self._clock = clock
        self._environment = settings.environment

    async def create(
        self, db: Transaction, url: str, events: Sequence[str] | None
    ) -> EndpointWithSecret:
        """Add an endpoint for some types of events, or for all.

        Raises:
            ValidationFailed: nothing may be sent to this URL, or a type is none.
        """
        try:
            checked_url(url, self._environment)
        except ForbiddenTargetError as fault:
            raise ValidationFailed((FieldFault("/url", "forbidden_url", str(fault)),)) from fault
        wanted = list(dict.fromkeys(TYPES if events is None else events))
        if not wanted or not set(wanted) <= set(TYPES):
            known = f"The types are {', '.join(TYPES)}."
            raise ValidationFailed((FieldFault("/events", "unknown_event", known),))
        endpoint_id, secret = new_id(), new_secret()
        endpoint = StoredEndpoint(
            id=endpoint_id,
            url=url,
            events=wanted,
            secret=self._sealed(secret, endpoint_id),
            previous_secret=None,
            created_at=self._clock.now(),
            disabled_at=None,
        )
        await repository.add(db, endpoint)
        return EndpointWithSecret(endpoint, secret)

    async def get(self, endpoint_id: UUID) -> StoredEndpoint:
        """An endpoint.

        Raises:
            WebhookNotFound: there is none.
        """
        found = await repository.find(self._database, endpoint_id)
        if found is None:
            raise WebhookNotFound
        return found

    async def list_page(
        self, db: Transaction, *, after: UUID | None, limit: int
    ) -> list[StoredEndpoint]:
        """Endpoints in the order they were made."""
        return await repository.list_page(db, after=after, limit=limit)

    async def change_secret(self, db: Transaction, endpoint_id: UUID) -> EndpointWithSecret:
        """Give an endpoint a new secret; deliveries are signed with the one before as well.

        Effect: an endpoint that was disabled gets events again.

        Raises:
            WebhookNotFound: there is none.
        """
        endpoint, secret = await self.get(endpoint_id), new_secret()
        await repository.change(
            db,
            endpoint_id,
            secret=self._sealed(secret, endpoint_id),
            previous_secret=endpoint.secret,
            disabled_at=None,
            **_WELL,
        )
        return EndpointWithSecret(endpoint, secret)

    async def remove(self, db: Transaction, endpoint_id: UUID) -> None:
        """Delete an endpoint; what was to be sent there is not.

        Raises:
            WebhookNotFound: there is none.
        """
        if not await repository.remove(db, endpoint_id):
            raise WebhookNotFound

    async def ping(self, db: Transaction, endpoint_id: UUID) -> None:
        """Have a `ping` sent, to see whether it arrives.

        Raises:
            WebhookNotFound: there is no such endpoint.
        """
        await self._put(db, await self.get(endpoint_id), PING, {})

    async def hear(self, db: Transaction, event: StoredEvent) -> None:
        """Put a delivery into the outbox for every endpoint that wants to know of an event.

        It is committed with the event, or not at all. Only ids are told: what else a receiver
        needs to know, it asks for, as somebody who may.
        """
        event_type = TYPE_OF.get(Action(event.action))
        if event_type is None or _is_refusal(event):
            return
        data = {
            "user_id": str(event.subject_id) if event.subject_id else None,
            "session_id": str(event.session_id) if event.session_id else None,
        }
        for endpoint in await repository.list_enabled(db):
            if event_type in endpoint.events:
                await self._put(db, endpoint, event_type, data)

    async def disable(self, endpoint: StoredEndpoint, *, because: str) -> None:
        """Send an endpoint nothing more, since it has said that it is gone, or failed for days.

        Effect: it is written down, and the administrators are told.
        """
        async with self._database.transaction() as db:
            locked = await repository.lock(db, endpoint.id)
            if locked is not None and locked.disabled_at is None:
                await self._disable(db, locked, because=because)

    async def note_failure(self, endpoint_id: UUID, *, began_at: datetime) -> None:
        """Have everything for an endpoint wait after a try that failed, longer each time.

        Effect: none where the try began before the wait for another one was over. Three days of
        nothing but failures disable the endpoint; a day without a try begins them anew.
        """
        async with self._database.transaction() as db:
            endpoint = await repository.lock(db, endpoint_id)
            if endpoint is None or endpoint.disabled_at is not None:
                return
            if endpoint.retry_at is not None and began_at < endpoint.retry_at:
                return
            now, since, failures = self._clock.now(), endpoint.failing_since, endpoint.failures + 1
            if since is None or endpoint.retry_at is None or now - endpoint.retry_at > _A_RUN_ENDS:
                since, failures = now, 1
            if now - since >= DISABLED_AFTER:
                await self._disable(db, endpoint, because="failing")
                return
            until = now + delay_after(failures)
            await repository.change(
                db, endpoint_id, failing_since=since, retry_at=until, failures=failures
            )
            await self._outbox.postpone(db, endpoint_id, until=until)

    async def note_recovery(self, endpoint_id: UUID) -> None:
        """Have everything for an endpoint sent now: it has taken a delivery again."""
        async with self._database.transaction() as db:
            await repository.change(db, endpoint_id, **_WELL)
            await self._outbox.hasten(db, endpoint_id)

    async def _disable(self, db: Transaction, endpoint: StoredEndpoint, *, because: str) -> None:
        now = self._clock.now()
        await repository.change(db, endpoint.id, disabled_at=now)
        await self._audit.record(
            db,
            Action.WEBHOOK_DISABLED,
            subject=None,
            client=ClientInfo(),
            outcome=Outcome.FAILURE,
            webhook=str(endpoint.id),
            reason=because,
        )
        values = {"webhook_id": str(endpoint.id), "host": urlsplit(endpoint.url).hostname or ""}
        values["since"] = spelled_time(endpoint.failing_since or now)
        for administrator in await list_administrators(db, now=now):
            await self._outbox.put(
                db,
                Mail(MailKind.WEBHOOK_DISABLED, administrator.email, values, administrator.id),
            )

    def secrets_of(self, endpoint: StoredEndpoint) -> list[str]:
        """The secrets that a delivery is signed with, the newest first.

        Raises:
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens one.
        """
        sealed = [endpoint.secret, endpoint.previous_secret]
        return [
            self._keyring.decrypt(_PURPOSE, one, bound_to=endpoint.id.bytes).decode()
            for one in sealed
            if one is not None
        ]

    async def _put(
        self, db: Transaction, endpoint: StoredEndpoint, event_type: str, data: dict[str, Any]
    ) -> None:
        timestamp = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = {"type": event_type, "timestamp": timestamp, "data": data}
        text = json.dumps(body, separators=(",", ":"))
        await self._outbox.put_row(
            db,
            KIND,
            to=str(endpoint.id),
            values={"body": text},
            destination=endpoint.id,
            not_before=endpoint.retry_at,
        )

    def _sealed(self, secret: str, endpoint_id: UUID) -> bytes:
        return self._keyring.encrypt(_PURPOSE, secret.encode(), bound_to=endpoint_id.bytes)


def _is_refusal(event: StoredEvent) -> bool:
    """Whether nothing came about; a reused refresh token is a failure that ends its session."""
    failed = event.outcome == Outcome.FAILURE.value
    return failed and event.action != Action.REFRESH_TOKEN_REUSED.value
