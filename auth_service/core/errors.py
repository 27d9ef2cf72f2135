"""What can go wrong, as facts with names.

An error here knows nothing of HTTP. It has a *kind*, which ``web.problems`` turns into a status,
and a stable *code*, which clients may rely on. Its docstring is what a person reads on the page
that the problem's ``type`` points to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from types import MappingProxyType
from typing import ClassVar


class Kind(StrEnum):
    """The family an error belongs to, named by what the caller may do about it."""

    MALFORMED = auto()
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    NOT_FOUND = auto()
    METHOD_NOT_ALLOWED = auto()
    CONFLICT = auto()
    PRECONDITION_FAILED = auto()
    TOO_LARGE = auto()
    HEADERS_TOO_LARGE = auto()
    UNSUPPORTED_MEDIA = auto()
    INVALID = auto()
    TIMEOUT = auto()
    LIMITED = auto()
    INTERNAL = auto()
    UNAVAILABLE = auto()


class DomainError(Exception):
    """The base of every refusal this service gives.

    ``keeps_writes`` says whether what was written before the refusal is committed all the same:
    a revoked session or a counted failure must survive the error that reports it.
    ``retry_after`` is in whole seconds. ``oauth_error`` is its name where RFC 6749 section 5.2 has
    one, ``challenge`` what a 401 asks for (RFC 9110 section 11.6.1), ``extensions`` what its
    problem document has besides the standard members (RFC 9457 section 3.2).
    """

    kind: ClassVar[Kind]
    code: ClassVar[str]
    title: ClassVar[str]
    keeps_writes: ClassVar[bool] = False
    oauth_error: ClassVar[str | None] = None
    challenge: ClassVar[str] = "Bearer"
    extensions: Mapping[str, object] = MappingProxyType({})
    retry_after: int | None = None

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        self.detail = detail if detail is not None else self.title
        if retry_after is not None:
            self.retry_after = retry_after
        super().__init__(self.detail)

    @classmethod
    def all_kinds(cls) -> "Iterator[type[DomainError]]":
        """Every concrete error below this class (those that have a code), depth first."""
        for child in cls.__subclasses__():
            if "code" in vars(child):
                yield child
            yield from child.all_kinds()


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing wrong with one part of a request: a JSON pointer (RFC 6901), a code, a reason."""

    pointer: str
    code: str
    message: str


class ValidationFailed(DomainError):
    """The request was understood, but one or more of its fields cannot be accepted.

    `errors` names each field by a JSON pointer (RFC 6901), with a code and the reason. What was
    sent is never repeated in the answer. Correct the named fields and send the request again.
    """

    kind = Kind.INVALID
    code = "validation_failed"
    title = "The request has fields that cannot be accepted"

    def __init__(self, faults: tuple[FieldFault, ...]) -> None:
        self.faults = faults
        one = len(faults) == 1
        super().__init__(faults[0].message if one else f"{len(faults)} fields cannot be accepted.")


class ServiceUnavailable(DomainError):
    """A part this service depends on cannot be reached, or answers too slowly.

    Nothing was lost: wait for the seconds that `Retry-After` gives, then send the request again.
    """

    kind = Kind.UNAVAILABLE
    code = "service_unavailable"
    title = "The service cannot answer right now"
    retry_after = 1
