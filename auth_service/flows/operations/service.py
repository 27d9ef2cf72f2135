"""Whether each part of the service can do its work."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from auth_service.audit.sealer import Sealer
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.secrets import UndecryptableError
from auth_service.db import schema
from auth_service.db.pooler import UnexpectedPooler, ensure_no_unexpected_pooler
from auth_service.db.session import Database
from auth_service.flows.operations.errors import NotReady
from auth_service.settings import Settings
from auth_service.tokens.keys import SigningKeys
from auth_service.web.rate_limit import RateLimiter

State = Literal["ok", "degraded", "unavailable"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """``ok`` or ``degraded``, and the state of each part."""

    status: State
    checks: dict[str, State]


class Operations:
    """The use cases of whoever runs the service."""

    def __init__(
        self,
        *,
        database: Database,
        signing_keys: SigningKeys,
        rate_limiter: RateLimiter,
        sealer: Sealer,
        settings: Settings,
    ) -> None:
        self._database = database
        self._signing_keys = signing_keys
        self._rate_limiter = rate_limiter
        self._sealer = sealer
        self._has_redis = settings.redis_url is not None
        self._is_reached_as_expected = False

    async def readiness(self) -> Readiness:
        """The state of every part.

        Without Redis, without new seals in the record of events, or on the schema of a later
        release, the service goes on, and is ``degraded``.

        Raises:
            NotReady: a part is missing that no request can do without.
        """
        checks = await self._database_checks()
        if self._has_redis:
            checks["redis"] = "ok" if await self._rate_limiter.ping() else "degraded"
        if self._sealer.has_stopped:
            checks["audit"] = "degraded"
        if "unavailable" in checks.values():
            raise NotReady(checks)
        return Readiness("degraded" if "degraded" in checks.values() else "ok", checks)

    def longest_unsealed(self) -> timedelta:
        """For how long the oldest event without a seal has waited for one, at most."""
        return self._sealer.longest_wait()

    async def _ensure_no_unexpected_pooler(self) -> None:
        if not self._is_reached_as_expected:
            await ensure_no_unexpected_pooler(self._database.engine)
            self._is_reached_as_expected = True

    async def _database_checks(self) -> dict[str, State]:
        checks: dict[str, State] = {
            "database": "unavailable",
            "schema": "unavailable",
            "signing_key": "unavailable",
        }
        try:
            await self._ensure_no_unexpected_pooler()
            revision = await schema.current_revision(self._database.engine)
            checks["database"] = "ok"
            if schema.can_serve(revision):
                checks["schema"] = "degraded" if schema.is_later(revision) else "ok"
                await self._signing_keys.ensure()
                checks["signing_key"] = "ok"
        except UnexpectedPooler:
            checks["pooler"] = "unavailable"
        except (ServiceUnavailable, UndecryptableError):
            pass
        return checks
