"""The HTTP status of each kind of error."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from auth_service.core.errors import Kind

STATUS_OF_KIND: Final[Mapping[Kind, HTTPStatus]] = {
    Kind.MALFORMED: HTTPStatus.BAD_REQUEST,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.TIMEOUT: HTTPStatus.REQUEST_TIMEOUT,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.UNSUPPORTED_MEDIA: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.HEADERS_TOO_LARGE: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Kind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
