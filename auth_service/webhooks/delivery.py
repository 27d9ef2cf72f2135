"""Sending deliveries: from the outbox like mails, by signed requests to judged addresses."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth_service.core.secrets import UndecryptableError
from auth_service.mail.errors import MailDelayed, MailRefused
from auth_service.mail.payload import Payload
from auth_service.mail.repository import LeasedMail
from auth_service.mail.sender import Sender
from auth_service.setting_types import Environment
from auth_service.webhooks.addresses import ForbiddenTargetError, Resolve, find_target, resolve
from auth_service.webhooks.errors import WebhookNotFound
from auth_service.webhooks.repository import StoredEndpoint
from auth_service.webhooks.service import Webhooks
from auth_service.webhooks.signing import signed_headers

TIMEOUT_SECONDS: Final = 10.0
_GONE: Final = 410
_SUCCESS: Final = range(200, 300)
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "auth-service-webhooks"}


@dataclass(kw_only=True)
class DeliverySender(Sender):
    """The outbox's sender for deliveries: the same leases and retries, another way out.

    2xx is success, and 410 disables the endpoint. Anything else is tried again later, and whatever
    else is for the same endpoint waits meanwhile. No redirect is followed, and of an answer only
    its status is read.
    """

    webhooks: Webhooks
    environment: Environment
    resolve: Resolve = resolve

    async def _carry(self, mail: LeasedMail) -> None:
        payload = self._payload(mail)
        try:
            endpoint = await self.webhooks.get(UUID(payload.to))
        except WebhookNotFound as fault:
            raise MailRefused("endpoint_removed") from fault
        if endpoint.disabled_at is not None:
            raise MailRefused("endpoint_disabled")
        began_at = self.clock.now()
        try:
            status = await self._deliver(endpoint, str(mail.id), payload.values["body"].encode())
        except MailDelayed:
            await self.webhooks.note_failure(endpoint.id, began_at=began_at)
            raise
        if status == _GONE:
            await self.webhooks.disable(endpoint, because="gone")
            raise MailRefused("gone")
        if endpoint.failing_since is not None:
            await self.webhooks.note_recovery(endpoint.id)

    def _payload(self, mail: LeasedMail) -> Payload:
        try:
            return Payload.opened(mail.payload, self.keyring, mail.id)
        except UndecryptableError as fault:
            raise MailDelayed("undecryptable") from fault

    async def _deliver(self, endpoint: StoredEndpoint, webhook_id: str, body: bytes) -> int:
        # Six megabytes a worker, and only for who has webhooks.
        import httpx

        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status = await self._posted(endpoint, webhook_id, body)
        except ForbiddenTargetError as fault:
            raise MailDelayed("forbidden_target") from fault
        except UndecryptableError as fault:
            raise MailDelayed("undecryptable") from fault
        except (httpx.HTTPError, OSError) as fault:
            raise MailDelayed("unreachable") from fault
        if status not in _SUCCESS and status != _GONE:
            raise MailDelayed(f"status_{status}")
        return status

    async def _posted(self, endpoint: StoredEndpoint, webhook_id: str, body: bytes) -> int:
        import httpx

        target = await find_target(endpoint.url, self.environment, self.resolve)
        timestamp = int(self.clock.now().timestamp())
        headers = signed_headers(self.webhooks.secrets_of(endpoint), webhook_id, timestamp, body)
        # To the address that was judged, in the name of the host: for TLS and for the receiver.
        url = httpx.URL(endpoint.url)
        options: dict[str, Any] = {"headers": _HEADERS | headers | {"Host": url.netloc.decode()}}
        options["extensions"] = {"sni_hostname": target.host}
        async with (
            httpx.AsyncClient(
                timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
            ) as client,
            client.stream(
                "POST", url.copy_with(host=target.address), content=body, **options
            ) as response,
        ):
            return response.status_code
