"""What a client may be called."""

from typing import Final

from auth_service.core.errors import FieldFault, ValidationFailed

MAXIMUM_NAME_LENGTH: Final = 100
_NOT_A_NAME: Final = FieldFault(
    "/name", "invalid_name", f"A name is 1 to {MAXIMUM_NAME_LENGTH} printable characters."
)


def read_name(text: str) -> str:
    """A name as typed, without the space around it.

    What cannot be seen, such as control characters and those that turn the direction of writing,
    is no part of a name: two names that differ look different.

    Raises:
        ValidationFailed: it is empty, too long, or not printable.
    """
    name = text.strip()
    if not (0 < len(name) <= MAXIMUM_NAME_LENGTH and name.isprintable()):
        raise ValidationFailed((_NOT_A_NAME,))
    return name
