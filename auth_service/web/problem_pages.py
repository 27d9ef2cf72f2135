"""``/problems``: a page about every error, at the address its ``type`` names."""

import re
from html import escape
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

import auth_service.web.http_errors  # noqa: F401 - the catalogue has these, too
from auth_service.core.errors import DomainError
from auth_service.web.errors import NotFound
from auth_service.web.problems import status_of

router = APIRouter(prefix="/problems", include_in_schema=False)
_PACKAGE: Final = __name__.partition(".")[0]
_CODE: Final = re.compile("`+([^`]+)`+")
_HEADERS: Final = {"Cache-Control": "public, max-age=3600"}
_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<main>{body}</main></html>"
)


def catalogue() -> dict[str, type[DomainError]]:
    """Every error this service may answer with, by code, in alphabetical order."""
    found: dict[str, type[DomainError]] = {}
    for error in DomainError.all_kinds():
        if error.__module__.startswith(f"{_PACKAGE}."):
            found.setdefault(error.code, error)
    return dict(sorted(found.items()))


@router.get("", response_class=HTMLResponse)
async def list_problems() -> HTMLResponse:
    """All problems, each with a link to its page."""
    items = "".join(
        f'<li><a href="problems/{code}"><code>{code}</code></a> '
        f"({int(status_of(error))}): {escape(error.title)}</li>"
        for code, error in catalogue().items()
    )
    return _page("Problems", f"<h1>Problems</h1><ul>{items}</ul>")


@router.get("/{code}", response_class=HTMLResponse)
async def get_problem(code: str) -> HTMLResponse:
    """What a problem means, and what to do about it."""
    error = catalogue().get(code)
    if error is None:
        raise NotFound
    status = status_of(error)
    paragraphs = "".join(
        f"<p>{_with_code(paragraph)}</p>" for paragraph in (error.__doc__ or "").split("\n\n")
    )
    return _page(
        error.title,
        f"<h1>{escape(error.title)}</h1><p><code>{code}</code>, status {int(status)} "
        f'{escape(status.phrase)}</p>{paragraphs}<p><a href="../problems">All problems</a></p>',
    )


def _with_code(paragraph: str) -> str:
    """A paragraph as HTML; what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(paragraph))


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), headers=_HEADERS)
