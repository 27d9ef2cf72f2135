"""Request bodies, read strictly before anything looks at them.

The framework would accept UTF-16, ``NaN``, lone surrogates and duplicate names (the last wins),
and some of these would surface later as a 500. A router whose ``route_class`` is one of these
reads its own body instead: bounded, of one content type, UTF-8, unambiguous.
"""

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final, get_args
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.verifier.strict_json import parse_strict_json
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType

MAXIMUM_BODY_BYTES: Final = 16 * 1024
MAXIMUM_DEPTH: Final = 20
_MAXIMUM_FORM_FIELDS: Final = 50
_MAXIMUM_PARAMETERS: Final = 200
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """A route whose body, if it has one, is ``application/json``."""

    def get_route_handler(self) -> Handler:
        """The framework's handler, given a request whose JSON is read already."""
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        names = _field_names(self.body_field.field_info.annotation)

        async def read_then_handle(request: Request) -> Response:
            body = await _read_body(request, "application/json")
            if body:
                request._json = parse_json(body, names)  # noqa: SLF001 - what Request.json() caches
            return await handler(request)

        return read_then_handle


class FormRoute(APIRoute):
    """A route whose body is ``application/x-www-form-urlencoded`` (RFC 6749 appendix B)."""

    def get_route_handler(self) -> Handler:
        """The framework's handler, given a request whose form is read already."""
        handler = super().get_route_handler()

        async def read_then_handle(request: Request) -> Response:
            body = await _read_body(request, "application/x-www-form-urlencoded")
            request._form = parse_form(body)  # noqa: SLF001 - what Request.form() caches
            return await handler(request)

        return read_then_handle


def parse_json(body: bytes, names: Collection[str] = ()) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text that is not too deep, and whose text can be stored.

    Of the names in it only ``names`` are ever repeated in a refusal.

    Raises:
        MalformedBody: it is none, or ambiguous, or nested more than 20 levels deep.
        ValidationFailed: a string in it holds U+0000 or half a surrogate pair.
    """
    try:
        value = parse_strict_json(body)
    except ValueError as fault:
        raise MalformedBody from fault
    _check(value, "", names, MAXIMUM_DEPTH)
    return value


def parse_form(body: bytes) -> FormData:
    """The fields of a form; none twice (RFC 6749 section 3.2).

    Raises:
        MalformedBody: it is no such form.
        ValidationFailed: a value holds U+0000.
    """
    try:
        pairs: list[tuple[str, str | UploadFile]] = list(
            parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAXIMUM_FORM_FIELDS,
            )
        )
    except ValueError as fault:
        raise MalformedBody from fault
    if len({name for name, _ in pairs}) != len(pairs):
        raise MalformedBody("A field stands twice in the form.")
    _check(dict(pairs), "", (), MAXIMUM_DEPTH)
    return FormData(pairs)


async def _read_body(request: Request, media_type: str) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAXIMUM_BODY_BYTES:
            raise BodyTooLarge
        chunks.append(chunk)
    body = b"".join(chunks)
    if body and not _is(media_type, request.headers.get("content-type", "")):
        raise UnsupportedMediaType
    request._body = body  # noqa: SLF001 - what Request.body() caches
    return body


def _is(media_type: str, content_type: str) -> bool:
    """Whether the header names this type (RFC 9110 section 8.3.1), in UTF-8 where it says.

    The standard library's reading of parameters takes quadratic time and raises for some. Nothing
    but a charset means anything here, so little more than that is read.
    """
    essence, _, parameters = content_type.partition(";")
    if essence.strip(" \t").lower() != media_type or len(parameters) > _MAXIMUM_PARAMETERS:
        return False
    named = (parameter.partition("=") for parameter in parameters.split(";"))
    charsets = (
        value for name, _, value in named if name.strip(" \t").lower().startswith("charset")
    )
    return all(value.strip(' \t"').lower() in {"utf-8", "us-ascii"} for value in charsets)


def _check(value: object, pointer: str, names: Collection[str], depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value or not _is_encodable(value):
            fault = FieldFault(
                pointer, "invalid_text", "Text must not hold U+0000 or half a surrogate pair."
            )
            raise ValidationFailed((fault,))
    elif isinstance(value, dict | list):
        if depth == 0:
            raise MalformedBody("The body is nested too deeply.")
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in items:
            _check(name, pointer, names, depth)
            below = f"{pointer}/{name}" if name in names else pointer
            _check(item, below, names, depth - 1)


def _field_names(annotation: Any) -> frozenset[str]:  # noqa: ANN401 - whatever a handler declares
    """The names of the fields of a body that is declared as a model, or as a model or None."""
    models = get_args(annotation) or (annotation,)
    return frozenset(name for model in models for name in getattr(model, "model_fields", ()))


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
