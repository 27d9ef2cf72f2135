"""Refusals that any route may give, before or besides what it is about."""

from auth_service.core.errors import DomainError, Kind


class MalformedBody(DomainError):
    """The body is not the JSON (RFC 8259, UTF-8) or the form that it says it is.

    Broken syntax, `NaN` or `Infinity`, a number too large for any number type, a name that stands
    twice in one object, nesting deeper than 20 levels, invalid UTF-8: nothing of it was used.
    """

    kind = Kind.MALFORMED
    code = "malformed_body"
    title = "The body cannot be read"


class AmbiguousRequest(DomainError):
    """Something that may stand once in a request stands twice, so that two readers may differ.

    That is a header field such as `Authorization` or `Host`, one of the cookies of this service, or
    a query parameter. Nothing of the request was used.
    """

    kind = Kind.MALFORMED
    code = "ambiguous_request"
    title = "A part of the request stands twice"


class NotFound(DomainError):
    """There is nothing at this address."""

    kind = Kind.NOT_FOUND
    code = "not_found"
    title = "There is nothing here"


class MethodNotAllowed(DomainError):
    """The address exists, but not for this method; `Allow` names those it has."""

    kind = Kind.METHOD_NOT_ALLOWED
    code = "method_not_allowed"
    title = "This method is not for this address"


class BodyTooLarge(DomainError):
    """The body is larger than the 16 KiB that any request here may need."""

    kind = Kind.TOO_LARGE
    code = "body_too_large"
    title = "The body is too large"


class UnsupportedMediaType(DomainError):
    """The body's `Content-Type` is not the one this address reads.

    That is `application/json`, and `application/x-www-form-urlencoded` under `/oauth/`; the
    charset, where one is named, is UTF-8.
    """

    kind = Kind.UNSUPPORTED_MEDIA
    code = "unsupported_media_type"
    title = "The body has another content type than this address reads"


class OriginNotAllowed(DomainError):
    """The browser asked on behalf of a page whose origin is not on `AUTH_CORS_ORIGINS`."""

    kind = Kind.FORBIDDEN
    code = "origin_not_allowed"
    title = "This origin may not call this service"


class InternalError(DomainError):
    """Something went wrong on our side. It has been logged under the `request_id`."""

    kind = Kind.INTERNAL
    code = "internal_error"
    title = "Something went wrong on our side"
