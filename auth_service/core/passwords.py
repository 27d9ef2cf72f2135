"""The type of a stored password, so that a hash is never taken for what a person typed."""

from typing import NewType

PasswordHash = NewType("PasswordHash", str)
