"""Webhooks, verified by whoever receives them (https://www.standardwebhooks.com).

from auth_service.verifier import verify_webhook

event = verify_webhook(request.headers, await request.body(), secrets=["whsec_…"])
"""

import base64
import hmac
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from auth_service.verifier.strict_json import parse_strict_json

DEFAULT_TOLERANCE: Final = 300.0
_PREFIX: Final = "whsec_"
_SHORTEST_KEY: Final = 24


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
        ValueError: there is no secret, one is not a secret of an endpoint (``whsec_`` and base64 of
            at least 24 bytes), or the tolerance is not a positive number of seconds: with such
            arguments nothing would be verified.
        TypeError: ``secrets`` is one text, or a secret is no text, such as one that was not set.
    """
    keys = _keys_of(secrets)
    if not 0 < tolerance < math.inf:
        raise ValueError("the tolerance is not a positive number of seconds")
    found = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not webhook_id or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:  # noqa: PLR2004 - digits
        raise InvalidWebhookError("headers")
    message = f"{webhook_id}.{timestamp}.".encode() + body
    expected = [_signature(key, message) for key in keys]
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


def _keys_of(secrets: Iterable[str]) -> list[bytes]:
    if isinstance(secrets, str):
        raise TypeError("a list of secrets is needed, not one text")
    keys = [_key_of(secret) for secret in secrets]
    if not keys:
        raise ValueError("there is no secret")
    return keys


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (AttributeError, ValueError) as fault:
        if not isinstance(secret, str):
            raise TypeError("a secret is no text: is it set?") from fault
        raise ValueError("a secret begins with whsec_ and is base64") from fault
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"a secret has fewer than {_SHORTEST_KEY} bytes: is it set?")
    return key


def _signature(key: bytes, message: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.digest(key, message, "sha256"))
