"""Errors as HTTP: the one place that knows statuses (RFC 9457).

A route or a service raises a ``DomainError``. Here its kind becomes a status, and it becomes an
``application/problem+json`` document, or, below ``/oauth/``, the error form of RFC 6749.
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from auth_service.core.errors import (
    DomainError,
    FieldFault,
    Kind,
    ServiceUnavailable,
    ValidationFailed,
)
from auth_service.web.errors import (
    InternalError,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)
from auth_service.web.statuses import STATUS_OF_KIND

_OAUTH_PREFIX: Final = "/oauth/"
# RFC 6749 section 5.2 names its errors by what is wrong with the request; everything that is not
# the client's doing borrows the name section 4.1.2.1 has for it.
_OAUTH_ERROR_OF_KIND: Final = {
    Kind.LIMITED: "temporarily_unavailable",
    Kind.UNAVAILABLE: "temporarily_unavailable",
    Kind.INTERNAL: "server_error",
}
_FRAMEWORK_ERRORS: Final[dict[int, type[DomainError]]] = {
    400: MalformedBody,
    404: NotFound,
    405: MethodNotAllowed,
    415: UnsupportedMediaType,
}


def status_of(error: DomainError | type[DomainError]) -> HTTPStatus:
    """The HTTP status of an error."""
    return STATUS_OF_KIND[error.kind]


def problem_response(scope: Scope, error: DomainError) -> Response:
    """The answer for an error, in the form that the address calls for."""
    status = status_of(error)
    if scope["path"].startswith(_OAUTH_PREFIX):
        document, media_type = _oauth_document(error), "application/json"
        status = _oauth_status(error, status)
    else:
        document, media_type = _problem_document(scope, error, status), "application/problem+json"
    response = Response(
        json.dumps(document, separators=(",", ":"), ensure_ascii=True),
        status_code=status,
        media_type=media_type,
    )
    response.headers.update(dict(_headers(error, status)))
    return response


def _problem_document(scope: Scope, error: DomainError, status: HTTPStatus) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": f"{scope['app'].state.settings.issuer}/problems/{error.code}",
        "title": error.title,
        "status": int(status),
        "detail": error.detail,
        "code": error.code,
        "request_id": scope["state"]["request_id"],
    }
    if isinstance(error, ValidationFailed):
        document["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "message": fault.message}
            for fault in error.faults
        ]
    return document | dict(error.extensions)


def _oauth_document(error: DomainError) -> dict[str, Any]:
    name = error.oauth_error or _OAUTH_ERROR_OF_KIND.get(error.kind, "invalid_request")
    return {"error": name, "error_description": error.detail}


def _oauth_status(error: DomainError, status: HTTPStatus) -> HTTPStatus:
    """RFC 6749 section 5.2: 400 for what it has a name for, 401 where the client is unknown.

    403 where the client may not do this at all (RFC 6750 section 3.1).
    """
    if error.oauth_error == "insufficient_scope":
        return HTTPStatus.FORBIDDEN
    if error.oauth_error is None:
        return HTTPStatus.BAD_REQUEST if error.kind is Kind.INVALID else status
    return (
        HTTPStatus.UNAUTHORIZED if error.oauth_error == "invalid_client" else HTTPStatus.BAD_REQUEST
    )


def _headers(error: DomainError, status: HTTPStatus) -> Iterator[tuple[str, str]]:
    if status is HTTPStatus.UNAUTHORIZED:
        yield "WWW-Authenticate", error.challenge
    if error.retry_after is not None:
        yield "Retry-After", str(error.retry_after)
    yield "Cache-Control", "no-store"


def install_problem_handlers(app: FastAPI) -> None:
    """Have every error of the app, the framework's own included, answered in our form."""

    async def on_domain_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)  # noqa: S101 - registered for these
        metrics = request.app.state.metrics
        if metrics is not None:
            metrics.refusals.labels(error.code).inc()
        return problem_response(request.scope, error)

    async def on_invalid_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these
        return problem_response(request.scope, ValidationFailed(tuple(_field_faults(error))))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for these
        fact = _FRAMEWORK_ERRORS.get(error.status_code, InternalError)
        response = problem_response(request.scope, fact())
        response.headers.update(error.headers or {})
        if fact is MethodNotAllowed:
            response.headers["Allow"] = ", ".join(_methods_at(request.scope))
        return response

    app.add_exception_handler(DomainError, on_domain_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_exception)


def _methods_at(scope: Scope) -> list[str]:
    """The methods of every route at this address; the framework knows only the first one's."""
    methods = {
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        for route in scope["app"].routes
        if route.matches({**scope, "method": method})[0] is Match.FULL
    }
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _field_faults(error: RequestValidationError) -> Iterator[FieldFault]:
    """What pydantic found, without what was submitted: only where, what kind, and a message.

    A name the caller made up is part of the pointer only as far as our own schema knows it.
    """
    for found in error.errors():
        location = [str(part) for part in found["loc"]]
        where, path = location[0], location[1:]
        if found["type"] == "extra_forbidden":
            path = path[:-1]
        prefix = "" if where == "body" else f"/{where}"
        pointer = prefix + "".join(f"/{_escaped(part)}" for part in path)
        message = _MESSAGES.get(found["type"]) or found["msg"].removeprefix("Value error, ")
        yield FieldFault(pointer, found["type"], message)


_MESSAGES: Final = {
    "extra_forbidden": "This object has a field that does not belong here.",
    "missing": "This field is required.",
    "uuid_parsing": "This is no id.",  # pydantic's own message quotes a character
}


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def example_of(error: type[DomainError]) -> dict[str, Any]:
    """How a problem of this kind looks, for the documentation."""
    example: dict[str, Any] = {
        "type": f"https://auth.example.com/problems/{error.code}",
        "title": error.title,
        "status": int(status_of(error)),
        "detail": error.title,
        "code": error.code,
        "request_id": "019b17d7-0dac-7549-bd4f-3506907d1583",
    }
    if error is ValidationFailed:
        example["errors"] = [
            {"pointer": "/email", "code": "missing", "message": "This field is required."}
        ]
    return example


def _family(error: type[DomainError]) -> str:
    """The kind in words; the standard library's phrases differ from one Python to the next."""
    return error.kind.replace("_", " ").capitalize()


def problems(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: each error it may give, as an example under its status.

    ``ServiceUnavailable`` is added to all of them.
    """
    found: dict[int | str, dict[str, Any]] = {}
    documented: list[type[DomainError]] = [*errors, ServiceUnavailable]
    for error in documented:
        status = status_of(error)
        response = found.setdefault(
            int(status),
            {
                "description": _family(error),
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        response["content"]["application/problem+json"]["examples"][error.code] = {
            "summary": error.title,
            "value": example_of(error),
        }
    return found
