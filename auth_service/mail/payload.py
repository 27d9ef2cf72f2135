"""What a row of the outbox carries in secret: whom to write to, and with what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from auth_service.core.secrets import Keyring
from auth_service.mail.models import PAYLOAD


@dataclass(frozen=True, slots=True)
class Payload:
    """The recipient and the values of a mail: links with live tokens, personal data."""

    to: str
    values: Mapping[str, str]

    def sealed(self, keyring: Keyring, mail_id: UUID) -> bytes:
        """Encrypted for one row: in another row it does not open."""
        text = json.dumps({"to": self.to, "values": dict(self.values)})
        return keyring.encrypt(PAYLOAD.purpose, text.encode(), bound_to=mail_id.bytes)

    @classmethod
    def opened(cls, sealed: bytes, keyring: Keyring, mail_id: UUID) -> "Payload":
        """What ``sealed`` made.

        Raises:
            UndecryptableError: no configured secret made it, or it was moved from another row.
        """
        return cls(**json.loads(keyring.decrypt(PAYLOAD.purpose, sealed, bound_to=mail_id.bytes)))
