"""The chain of seals: pure functions of rows and a key.

A seal is HMAC-SHA256 over the seal before it, its place, and the event. What is personal in an
event goes in as a salted commitment, so that it can be erased, salt and all, and the chain still
holds. A checkpoint is an Ed25519 signature (RFC 8032) over a place and its seal.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from auth_service.audit.repository import StoredEvent

NO_SEAL: Final = bytes(32)
"""What stands before the first seal, and in place of the commitment to what was erased before."""


@dataclass(frozen=True, slots=True)
class Seal:
    """An event's place in the chain."""

    position: int
    event_id: UUID
    personal: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place in the chain and its seal, signed."""

    position: int
    mac: bytes
    made_at: datetime
    signature: bytes


@dataclass(frozen=True, slots=True)
class ChainKey:
    """What seals and signs: 32 bytes for the MAC, and an Ed25519 private key."""

    mac_key: bytes
    signing_key: Ed25519PrivateKey

    @property
    def public_key(self) -> Ed25519PublicKey:
        """What anybody may check checkpoints with."""
        return self.signing_key.public_key()

    def seal(self, before: bytes, position: int, event: StoredEvent) -> Seal:
        """The seal of an event that comes after another seal."""
        personal = commitment(event)
        mac = self.mac_of(before, position, event, personal)
        return Seal(position, event.id, personal, mac)

    def mac_of(self, before: bytes, position: int, event: StoredEvent, personal: bytes) -> bytes:
        """The MAC that the seal of this event has in this place."""
        message = before + position.to_bytes(8) + personal + _lasting(event)
        return hmac.digest(self.mac_key, message, "sha256")

    def checkpoint(self, position: int, mac: bytes, now: datetime) -> Checkpoint:
        """A signed place in the chain."""
        signature = self.signing_key.sign(_signed(position, mac, now))
        return Checkpoint(position, mac, now, signature)

    def made(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint was signed by this key, as it is."""
        message = _signed(checkpoint.position, checkpoint.mac, checkpoint.made_at)
        try:
            self.public_key.verify(checkpoint.signature, message)
        except InvalidSignature:
            return False
        return True


def commitment(event: StoredEvent) -> bytes:
    """HMAC-SHA256 of what is personal, under the row's salt; ``NO_SEAL`` where it was erased."""
    if event.salt is None:
        return NO_SEAL
    personal = [event.ip, event.user_agent, event.request_id, event.details]
    return hmac.digest(event.salt, _canonical(personal), "sha256")


def _lasting(event: StoredEvent) -> bytes:
    """What of an event nobody may ever change."""
    ids = (event.id, event.actor_id, event.subject_id, event.session_id, event.client_id)
    return _canonical(
        [
            *(str(value) if value else None for value in ids),
            _moment(event.happened_at),
            event.action,
            event.outcome,
        ]
    )


def _signed(position: int, mac: bytes, made_at: datetime) -> bytes:
    return b"auth-service audit checkpoint" + _canonical([position, mac.hex(), _moment(made_at)])


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _canonical(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON has
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
