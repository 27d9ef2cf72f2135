"""Webhooks, verified by whoever receives them (https://www.standardwebhooks.com).

from auth_service.verifier import verify_webhook

event = verify_webhook(request.headers, await request.body(), secrets=["whsec_…"])
"""

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from auth_service.verifier.strict_json import parse_strict_json

DEFAULT_TOLERANCE: Final = 300.0
_PREFIX: Final = "whsec_"


class InvalidWebhookError(Exception):
    """The request was not sent by this service, or is too old; ``check`` says what failed."""

    def __init__(self, check: str) -> None:
        self.check = check
        super().__init__(f"webhook refused: {check}")


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Iterable[str],
    tolerance: float = DEFAULT_TOLERANCE,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The event that a request tells of: `type`, `timestamp`, `data`.

    ``body`` is as it was received, ``secrets`` those of the endpoint. A request whose time is more
    than ``tolerance`` seconds off is refused: it may be an old one, sent again by somebody else.
    The same event may come more than once, with the same `webhook-id`.

    Raises:
        InvalidWebhookError: it is not to be trusted.
        ValueError: a secret is none.
    """
    found = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not webhook_id or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:  # noqa: PLR2004 - digits
        raise InvalidWebhookError("headers")
    message = f"{webhook_id}.{timestamp}.".encode() + body
    expected = [_signature(secret, message) for secret in secrets]
    given = [one.encode() for one in found.get("webhook-signature", "").split(" ")]
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    if not any(matches):
        raise InvalidWebhookError("signature")
    if abs(clock() - int(timestamp)) > tolerance:
        raise InvalidWebhookError("timestamp")
    try:
        event = parse_strict_json(body)
    except ValueError as fault:
        raise InvalidWebhookError("body") from fault
    if not isinstance(event, dict):
        raise InvalidWebhookError("body")
    return dict(event)


def _signature(secret: str, message: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as fault:
        raise ValueError("a secret begins with whsec_ and is base64") from fault
    return b"v1," + base64.b64encode(hmac.digest(key, message, "sha256"))
