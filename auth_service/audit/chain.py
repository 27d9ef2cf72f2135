"""The chain of seals: pure functions of rows and a key.

A seal is HMAC-SHA256 over the seal before it, its place, and the event. What is personal in an
event goes in as a salted commitment, so that it can be erased, salt and all, and the chain still
holds. Places in the chain are signed with Ed25519 (RFC 8032): checkpoints, up to which there has to
be a chain, and cuts, after which it begins once what came before was too old.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from auth_service.audit.repository import StoredEvent

NO_SEAL: Final = bytes(32)
"""What stands before the first seal."""


ERASURE_SIGNATURE: Final = "erasure_signature"
"""Which of the details of ``user.deleted`` is the signature of the erasure; see ``Audit``."""


@dataclass(frozen=True, slots=True)
class Seal:
    """An event's place in the chain."""

    position: int
    event_id: UUID
    personal: bytes
    mac: bytes


@dataclass(frozen=True)
class SignedPlace:
    """A place in the chain and its seal, signed for a purpose."""

    purpose: ClassVar[bytes]

    position: int
    mac: bytes
    made_at: datetime
    signature: bytes


class Checkpoint(SignedPlace):
    """The chain went as far as this."""

    purpose = b"auth-service audit checkpoint"


class Cut(SignedPlace):
    """The retention removed everything up to this, and the chain goes on from it."""

    purpose = b"auth-service audit cut"


Place = TypeVar("Place", bound=SignedPlace)


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
        personal = self.commitment(event)
        mac = self.mac_of(before, position, event, personal)
        return Seal(position, event.id, personal, mac)

    def mac_of(self, before: bytes, position: int, event: StoredEvent, personal: bytes) -> bytes:
        """The MAC that the seal of this event has in this place."""
        message = before + position.to_bytes(8) + personal + _lasting(event)
        return hmac.digest(self.mac_key, message, "sha256")

    def commitment(self, event: StoredEvent) -> bytes:
        """HMAC-SHA256 of what is personal in an event, under the row's salt.

        A row without one, from before there were salts or erased before it was sealed, has one
        that follows from the key.
        """
        salt = event.salt
        if salt is None:
            salt = hmac.digest(self.mac_key, b"salt of " + event.id.bytes, "sha256")
        personal = [event.ip, event.user_agent, event.request_id, event.details]
        return hmac.digest(salt, _canonical(personal), "sha256")

    @property
    def lock_number(self) -> int:
        """The number of the advisory lock that whoever changes the chain holds in PostgreSQL.

        It follows from the key: whoever could guess it could hold the lock, and stop sealing.
        """
        return int.from_bytes(hmac.digest(self.mac_key, b"lock", "sha256")[:8], signed=True)

    def sign_erasure(self, subject: UUID) -> str:
        """A signature of the fact that the service erased what is personal in somebody's events."""
        return self.signing_key.sign(_erasure(subject)).hex()

    def signed_erasure(self, subject: UUID, signature: object) -> bool:
        """Whether ``sign_erasure`` made this signature for this subject."""
        try:
            self.public_key.verify(bytes.fromhex(str(signature)), _erasure(subject))
        except (InvalidSignature, ValueError):
            return False
        return True

    def sign(self, kind: type[Place], position: int, mac: bytes, now: datetime) -> Place:
        """A signed place in the chain."""
        signature = self.signing_key.sign(_signed(kind, position, mac, now))
        return kind(position, mac, now, signature)

    def made(self, place: SignedPlace) -> bool:
        """Whether a place was signed by this key, as it is and for what it is."""
        message = _signed(type(place), place.position, place.mac, place.made_at)
        try:
            self.public_key.verify(place.signature, message)
        except InvalidSignature:
            return False
        return True


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


def _erasure(subject: UUID) -> bytes:
    return b"auth-service audit erasure" + subject.bytes


def _signed(kind: type[SignedPlace], position: int, mac: bytes, made_at: datetime) -> bytes:
    return kind.purpose + _canonical([position, mac.hex(), _moment(made_at)])


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _canonical(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON has
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
