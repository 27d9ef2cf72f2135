"""``/dev/mailbox``, and the pages that mailed links lead to while there is no frontend."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from auth_service.flows.development.pages import (
    RESET_PASSWORD,
    UNDO_EMAIL_CHANGE,
    VERIFY_EMAIL,
    mailbox_page,
)
from auth_service.mail.mailbox import DevelopmentMailbox
from auth_service.web.errors import NotFound

router = APIRouter(include_in_schema=False)

_STATIC: Final = Path(__file__).with_name("static")
_ASSETS: Final = {
    "development.css": "text/css; charset=utf-8",
    "token-page.js": "text/javascript; charset=utf-8",
}


@router.get("/dev/mailbox")
async def get_mailbox(request: Request) -> HTMLResponse:
    """The latest mails, whatever way they went."""
    mailbox: DevelopmentMailbox = request.app.state.mailbox
    return mailbox_page(await mailbox.list_latest())


@router.get("/verify-email")
async def get_verify_email_page() -> HTMLResponse:
    """Where the link of a verification leads."""
    return VERIFY_EMAIL.answer()


@router.get("/reset-password")
async def get_reset_password_page() -> HTMLResponse:
    """Where the link of a password reset leads."""
    return RESET_PASSWORD.answer()


@router.get("/undo-email-change")
async def get_undo_email_change_page() -> HTMLResponse:
    """Where the link that takes an e-mail change back leads."""
    return UNDO_EMAIL_CHANGE.answer()


# No coroutine: the file is read beside the event loop.
@router.get("/dev/assets/{name}")
def get_asset(name: str) -> Response:
    """What the pages load."""
    if name not in _ASSETS:
        raise NotFound
    headers = {"Cache-Control": "no-cache"}
    return Response((_STATIC / name).read_bytes(), media_type=_ASSETS[name], headers=headers)
