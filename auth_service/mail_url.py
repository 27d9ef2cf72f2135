"""``AUTH_MAIL_URL`` and ``AUTH_MAIL_FROM``: where mail goes and whose it is, checked as a whole."""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Scheme = Literal["console", "smtp", "smtps"]
_DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}
_MAILBOX: Final = re.compile(
    r"(?:(?P<name>[^<>@\",;:()\\\[\]]*)<)?(?P<address>[\w.+'~=-]+@[A-Za-z0-9.-]+)(?(name)>)",
    re.ASCII,
)
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes. With ``starttls`` nothing is said in the clear but the wish for it."""

    scheme: Scheme
    host: str = ""
    port: int = 0
    username: str | None = None
    password: str | None = None
    starttls: bool = False


def parse_mail_url(url: str) -> MailServer:
    """Read ``console://``, ``smtp://user:password@host:port?starttls=true`` or ``smtps://…``.

    Raises:
        ValueError: it is none; the message repeats nothing of it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL with a port from 0 to 65535") from None
    if parts.scheme == "console":
        return MailServer("console")
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("must start with console://, smtp:// or smtps://")
    if not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise ValueError("must be like smtp://user:password@host:port?starttls=true")
    if (parts.username is None) != (parts.password is None):
        raise ValueError("must have a user and a password, or neither")
    scheme: Scheme = "smtp" if parts.scheme == "smtp" else "smtps"
    return MailServer(
        scheme=scheme,
        host=parts.hostname,
        port=port or _DEFAULT_PORTS[scheme],
        username=unquote(parts.username) if parts.username is not None else None,
        password=unquote(parts.password) if parts.password is not None else None,
        starttls=_starttls(parts),
    )


def parse_mailbox(text: str) -> tuple[str, str]:
    """The name, which may be empty, and the address of ``Example <accounts@example.com>``.

    Raises:
        ValueError: it is no such thing.
    """
    found = _MAILBOX.fullmatch(text.strip())
    if found is None or not text.isprintable():
        raise ValueError("must be like accounts@example.com or Example <accounts@example.com>")
    return (found["name"] or "").strip(), found["address"]


def _starttls(parts: SplitResult) -> bool:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if set(options) - {"starttls"} or options.get("starttls", "false") not in _FLAGS:
        raise ValueError("knows one option: starttls=true or starttls=false")
    if options and parts.scheme == "smtps":
        raise ValueError("must not ask for starttls with smtps://, which is TLS from the start")
    return _FLAGS[options.get("starttls", "false")]
