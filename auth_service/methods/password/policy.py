"""What a new password must be (NIST SP 800-63B-4 section 3.1.1.2): long, and not easily guessed.

There are no rules of composition: they make passwords weaker and harder to remember.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, Self
from urllib.parse import urlsplit

from auth_service.core.emails import Email
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.methods.password.common_passwords import common_passwords
from auth_service.methods.password.predictable import is_made_of, is_repeated, is_walk
from auth_service.methods.password.spelling import (
    MAXIMUM_LENGTH,
    MAXIMUM_TYPED,
    comparable,
    normalized,
    squashed,
)
from auth_service.settings import Settings

SERVICE_NAME: Final = "auth-service"

_TOO_LONG: Final = (
    "password_too_long",
    f"The password must have at most {MAXIMUM_LENGTH} characters.",
)
_TOO_COMMON: Final = (
    "password_too_common",
    "The password is among the 10,000 most common ones. Choose one that is harder to guess.",
)
_PREDICTABLE: Final = (
    "password_predictable",
    "The password is a common word or a character repeated, a sequence, or a walk on the keyboard. "
    "Choose one that is harder to guess.",
)
_IS_ADDRESS: Final = (
    "password_is_address",
    "The password must not be the e-mail address or parts of it with a few characters.",
)
_IS_SERVICE_NAME: Final = (
    "password_is_service_name",
    "The password must not be a name of this service with a few characters.",
)


class PasswordPolicy:
    """Decides on new passwords only: one that is in use stays good until it is changed."""

    def __init__(self, *, min_length: int, service_names: Iterable[str]) -> None:
        self._min_length = min_length
        self._service_names = frozenset(squashed(name) for name in service_names) - {""}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The policy that the settings describe; the issuer's host is a name of the service.

        So is each of ``AUTH_PASSWORD_WORDS``.
        """
        host = urlsplit(settings.issuer).hostname or ""
        return cls(
            min_length=settings.password_min_length,
            service_names=(SERVICE_NAME, host, settings.brand_name, *settings.password_words),
        )

    def check(
        self, password: str, *, email: Email | str | None, pointer: str = "/password"
    ) -> None:
        """Do nothing for a password that may be used, whatever account it is for.

        Raises:
            ValidationFailed: it may not; every reason is named, at ``pointer`` (RFC 6901).
        """
        objections = self._objections(password, email)
        if faults := tuple(FieldFault(pointer, code, message) for code, message in objections):
            raise ValidationFailed(faults)

    def _objections(self, password: str, email: Email | str | None) -> Iterator[tuple[str, str]]:
        if len(password) > MAXIMUM_TYPED or len(normalized(password)) > MAXIMUM_LENGTH:
            yield _TOO_LONG
            return  # enough said, and nothing that long is compared with anything
        if len(normalized(password)) < self._min_length:
            yield self._too_short()
        plain = squashed(password)
        if comparable(password) in common_passwords():
            yield _TOO_COMMON
        elif is_repeated(plain, common_passwords()) or is_walk(plain):
            yield _PREDICTABLE
        if comparable(password) in _spellings_of(email) or is_made_of(plain, _parts_of(email)):
            yield _IS_ADDRESS
        if plain in self._service_names or is_made_of(plain, self._service_names):
            yield _IS_SERVICE_NAME

    def _too_short(self) -> tuple[str, str]:
        characters = "character" if self._min_length == 1 else "characters"
        return (
            "password_too_short",
            f"The password must have at least {self._min_length} {characters}.",
        )


def _spellings_of(email: Email | str | None) -> set[str]:
    if email is None:
        return set()
    addresses = (email.address, email.key) if isinstance(email, Email) else (email.strip(),)
    spellings = set()
    for address in addresses:
        local_part = address.rpartition("@")[0] or address
        spellings |= {comparable(address), comparable(local_part), squashed(local_part)}
    return spellings - {""}


def _parts_of(email: Email | str | None) -> set[str]:
    """What an address is made of, but for its top-level domain."""
    if email is None:
        return set()
    address = email.address if isinstance(email, Email) else email.strip()
    local_part, _, domain = address.rpartition("@")
    pieces = re.split(r"[\W_]+", comparable(local_part or domain))
    labels = domain.split(".")[:-1] if local_part else []
    return {squashed(local_part), *map(squashed, [*pieces, *labels])} - {""}
