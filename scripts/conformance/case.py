"""A token and the verdict on it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One entry of the file; its fields are described in ``docs/conformance/README.md``."""

    id: str
    comment: str
    verdict: str
    check: str | None
    beyond_rfc: bool
    token: str


def valid(name: str, comment: str, token: str) -> Case:
    """A token that has to be accepted."""
    return Case(name, comment, "valid", None, beyond_rfc=False, token=token)


def invalid(name: str, check: str, comment: str, token: str) -> Case:
    """A token that the RFCs want refused."""
    return Case(name, comment, "invalid", check, beyond_rfc=False, token=token)


def beyond(name: str, check: str, comment: str, token: str) -> Case:
    """A token that auth_service refuses although no RFC asks for it."""
    return Case(name, comment, "invalid", check, beyond_rfc=True, token=token)
