"""What every worker does beside its requests, for as long as it serves."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any, Final

from auth_service.core.periodic import every
from auth_service.secret_keys.service import NOTED_EVERY

_POLL: Final = timedelta(seconds=1)
_CLEANING: Final = timedelta(minutes=10)


def background_work(state: Any) -> Iterator[Coroutine[Any, Any, None]]:  # noqa: ANN401 - Starlette's
    """The work, each piece running until it is cancelled; what is due is shared by all workers."""
    yield every(state.settings.key_check_interval, "signing keys", state.signing_keys.look_again)
    yield every(NOTED_EVERY, "secrets", state.secret_keys.note_use)
    yield every(_POLL, "mail wishes", state.wishes.fulfil_all, woken=state.wishes.woken)
    yield every(_POLL, "mail", state.mail_sender.send_due, woken=state.outbox.filled)
    yield every(_POLL, "webhooks", state.webhook_sender.send_due, woken=state.webhook_sender.filled)
    yield every(state.settings.audit_seal_interval, "audit seals", state.audit_sealer.seal_all)
    for name, clean in _cleaning(state):
        yield every(_CLEANING, f"old {name}", clean)


def _cleaning(state: Any) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:  # noqa: ANN401
    yield "sessions", state.sessions.remove_expired
    yield "closed accounts", state.account_removal.remove_closed
    yield "accounts that were never used", state.account_removal.remove_never_used
    yield "mailed tokens", state.mailed_tokens.remove_expired
    yield "revoked tokens", state.service_clients.remove_expired
    yield "mail", state.mail_sender.clear_away
    yield "audit events", state.audit_sealer.remove_old
