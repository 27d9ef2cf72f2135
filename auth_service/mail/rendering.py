"""A mail as it goes out: rendered from its templates, with the headers a machine's mail has."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import UUID

from auth_service.core.emails import Email
from auth_service.mail_url import parse_mailbox
from auth_service.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

_OWN_TEMPLATES: Final = Path(__file__).with_name("templates")
_POLICY: Final = SMTP.clone(utf8=False)


class Renderer:
    """Makes messages of kinds and values. Templates of ``AUTH_MAIL_TEMPLATES`` come first.

    A kind has three: ``KIND.subject.txt``, ``KIND.txt`` and ``KIND.html``. Values are escaped in
    HTML; a value that a template lacks is an error rather than a gap.
    """

    def __init__(self, settings: Settings) -> None:
        name, address = parse_mailbox(settings.mail_from)
        self._sender = _address(address, name)
        self._brand = settings.brand_name
        self._host = urlsplit(settings.issuer).hostname or "localhost"
        own = settings.mail_templates
        self._folders = [*([str(own)] if own else []), str(_OWN_TEMPLATES)]

    def render(
        self, mail_id: UUID, kind: str, to: str, values: Mapping[str, str], *, at: datetime
    ) -> EmailMessage:
        """The message. Its id is the same each time, so that a second copy can be known as one.

        Raises:
            InvalidEmailError: ``to`` is not one address.
        """
        texts = {
            part: self._templates.get_template(f"{kind}.{part}").render(values, brand=self._brand)
            for part in ("subject.txt", "txt", "html")
        }
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._sender
        message["To"] = _address(Email.parse(to).address)
        message["Subject"] = " ".join(texts["subject.txt"].split())
        message["Date"] = format_datetime(at)
        message["Message-ID"] = f"<{mail_id}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no holiday notes back
        message.set_content(texts["txt"])
        message.add_alternative(texts["html"], subtype="html")
        return message

    @cached_property
    def _templates(self) -> "Environment":
        """Loaded with the first mail: a worker that sends none needs no template engine."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

        return Environment(
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"]),
            trim_blocks=True,
            lstrip_blocks=True,
        )


def _address(address: str, name: str = "") -> Address:
    """One address as a header takes it: quoted where it must be, never two of them."""
    local_part, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local_part, domain=domain)
