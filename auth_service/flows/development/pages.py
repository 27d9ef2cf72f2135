"""The pages as HTML, and the policy they are under."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from fastapi.responses import HTMLResponse

from auth_service.mail.mailbox import ShownMail

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# No page is kept by anything: they show mails, and are opened with tokens in their addresses.
_HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
_LINK: Final = re.compile(r"(https?://\S+)")

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{assets}/development.css">
{script}</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
_SCRIPT: Final = '<script src="{assets}/token-page.js" defer></script>\n'
_MAIL: Final = """\
<article>
<h2>{subject}</h2>
<p>To <b>{to}</b>, <time datetime="{at}">{at}</time>, {state}</p>
<pre>{text}</pre>
</article>"""
_FORM: Final = """\
<form data-action="{action}" data-done="{done}">
{fields}<button>{button}</button>
</form>
<p role="status"></p>
<p>Only the development environment has this page: your frontend has one of its own.</p>"""
_ASKED_FIELD: Final = """\
<label>New password
<input name="new_password" type="password" autocomplete="new-password" required></label>
"""


@dataclass(frozen=True, slots=True)
class TokenPage:
    """A page that a mailed link leads to: on a button it posts the token of its fragment."""

    title: str
    action: str
    button: str
    done: str
    asks_for_password: bool = False

    def answer(self) -> HTMLResponse:
        """The page. Opening it uses nothing up: a scanner may."""
        form = _FORM.format(
            action=self.action,
            done=self.done,
            button=self.button,
            fields=_ASKED_FIELD if self.asks_for_password else "",
        )
        return _answer(self.title, form, assets="development-assets", script=_SCRIPT)


VERIFY_EMAIL: Final = TokenPage(
    title="Confirm your e-mail address",
    action="auth/verify-email",
    button="Confirm",
    done="Your e-mail address is confirmed.",
)
RESET_PASSWORD: Final = TokenPage(
    title="Choose a new password",
    action="auth/password/reset",
    button="Set the password",
    done="Your password is changed. Log in with it.",
    asks_for_password=True,
)
UNDO_EMAIL_CHANGE: Final = TokenPage(
    title="Take your account back",
    action="auth/email-change/undo",
    button="Restore my address",
    done="Your address is restored. A mail to it lets you choose a new password.",
)


def mailbox_page(mails: Iterable[ShownMail]) -> HTMLResponse:
    """The mails, the first one on top."""
    body = "\n".join(map(_article, mails)) or "<p>No mail yet. Reload when there should be.</p>"
    return _answer("Development mailbox", body, assets="../development-assets")


def _article(mail: ShownMail) -> str:
    return _MAIL.format(
        subject=escape(mail.subject),
        to=escape(mail.to),
        at=mail.written_at.isoformat(timespec="seconds"),
        state=escape(mail.state),
        text=_with_links(mail.text.strip()),
    )


def _with_links(text: str) -> str:
    """Escaped text whose addresses can be clicked."""
    pieces = _LINK.split(text)  # every second one is an address
    for number, piece in enumerate(pieces):
        shown = escape(piece)
        pieces[number] = f'<a href="{shown}">{shown}</a>' if number % 2 else shown
    return "".join(pieces)


def _answer(title: str, body: str, *, assets: str, script: str = "") -> HTMLResponse:
    page = _PAGE.format(title=title, assets=assets, script=script.format(assets=assets), body=body)
    return HTMLResponse(page, headers=_HEADERS)
