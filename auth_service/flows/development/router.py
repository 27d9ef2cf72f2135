"""``/dev/mailbox``, and the pages that mailed links lead to while there is no frontend.

The mailbox shows everybody's mail, so it is for the developer's own machine only.
"""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from auth_service.flows.development.pages import (
    RESET_PASSWORD,
    UNDO_EMAIL_CHANGE,
    VERIFY_EMAIL,
    mailbox_page,
)
from auth_service.mail.mailbox import DevelopmentMailbox
from auth_service.setting_types import is_loopback_host
from auth_service.web.errors import NotFound

_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


async def require_own_machine(request: Request) -> None:
    """Answer only a loopback peer that asks for a loopback host, with no proxy in between.

    The host tells a page of another site, whose name was made to resolve to 127.0.0.1 (DNS
    rebinding), from the developer.

    Raises:
        NotFound: the request may come from elsewhere.
    """
    peer = request.client.host if request.client else ""
    if (
        not is_loopback_host(peer)
        or not is_loopback_host(request.url.hostname or "")
        or any(name in request.headers for name in _FORWARDED)
    ):
        raise NotFound


router = APIRouter(include_in_schema=False)
own_machine = APIRouter(include_in_schema=False, dependencies=[Depends(require_own_machine)])

_STATIC: Final = Path(__file__).with_name("static")
_ASSETS: Final = {
    "development.css": "text/css; charset=utf-8",
    "token-page.js": "text/javascript; charset=utf-8",
}


@own_machine.get("/dev/mailbox")
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
@router.get("/development-assets/{name}")
def get_asset(name: str) -> Response:
    """What the pages load."""
    if name not in _ASSETS:
        raise NotFound
    headers = {"Cache-Control": "no-cache"}
    return Response((_STATIC / name).read_bytes(), media_type=_ASSETS[name], headers=headers)
