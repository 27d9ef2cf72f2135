"""Refusals given before a request is one: the message itself is at fault, not what it asks for."""

import json
from collections.abc import Iterable
from uuid import UUID

from auth_service.core.errors import DomainError, Kind
from auth_service.web.response_headers import UNLESS_SET, Header
from auth_service.web.statuses import STATUS_OF_KIND


class MalformedHttp(DomainError):
    """What arrived is not a well-formed HTTP/1.1 message (RFC 9112).

    The request line, a header field or the framing of the body cannot be read without doubt, so
    the connection is closed. A browser or an HTTP library never sends such a message: look at
    whatever builds it by hand, or at a proxy in between.
    """

    kind = Kind.MALFORMED
    code = "malformed_http"
    title = "The message is not well-formed HTTP"


class HeadersTooLarge(DomainError):
    """The request line and the header fields together are larger than the service reads.

    The limit is 32 KiB. Mostly a heap of cookies or a long query is the cause: remove some, then
    send the request again (RFC 6585 section 5).
    """

    kind = Kind.HEADERS_TOO_LARGE
    code = "headers_too_large"
    title = "The header fields are too large"


class RequestTimeout(DomainError):
    """The request did not arrive completely in the time it may take.

    Nothing came of it. The connection is closed; send the request again on a new one (RFC 9110
    section 15.5.9).
    """

    kind = Kind.TIMEOUT
    code = "request_timeout"
    title = "The request took too long to arrive"


def raw_answer(
    error: DomainError, request_id: UUID, extra: Iterable[Header] = (), *, issuer: str = ""
) -> bytes:
    """A whole HTTP response that tells of the error and ends the connection (RFC 9457).

    The server does not name itself, whatever the extra headers say.
    """
    status = STATUS_OF_KIND[error.kind]
    problem = {
        "type": f"{issuer}/problems/{error.code}",
        "title": error.title,
        "status": status.value,
        "detail": error.detail,
        "code": error.code,
        "request_id": str(request_id),
    }
    body = json.dumps(problem, separators=(",", ":")).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}".encode(),
        *(b"%b: %b" % (name, value) for name, value in extra if name.lower() != b"server"),
        b"content-type: application/problem+json",
        b"content-length: %d" % len(body),
        *(b"%b: %b" % header for header in UNLESS_SET),
        b"x-request-id: %b" % str(request_id).encode(),
        b"connection: close",
        b"",
        body,
    ]
    return b"\r\n".join(lines)
