"""The words of each mail, rendered by Jinja2 from ``templates/`` or the operator's folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auth_service.mail.message import VALUES, MailKind

if TYPE_CHECKING:
    from jinja2 import Environment

_OWN: Final = Path(__file__).with_name("templates")


class BrokenTemplateError(Exception):
    """A template cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Words:
    """A mail's subject, and its text in two forms."""

    subject: str
    text: str
    html: str


class MailTemplates:
    """Three templates for each kind: ``<kind>.subject.txt``, ``<kind>.txt`` and ``<kind>.html``.

    A file in ``folder`` stands in for ours of the same name. Values are escaped in HTML, and one
    that a template asks for and a mail does not have is a fault.
    """

    def __init__(self, *, brand: str, folder: Path | None = None) -> None:
        self._brand = brand
        self._folder = folder

    def render(self, kind: MailKind, values: Mapping[str, str]) -> Words:
        """Put a mail into words.

        Raises:
            BrokenTemplateError: a template has a fault, or asks for a value that is not there.
        """
        subject = self._render(f"{kind}.subject.txt", values).strip()
        with_subject = {**values, "subject": subject}
        return Words(
            subject=subject,
            text=self._render(f"{kind}.txt", with_subject),
            html=self._render(f"{kind}.html", with_subject),
        )

    def check(self) -> None:
        """Put a mail of every kind into words, to see that this can be done.

        Raises:
            BrokenTemplateError: naming the first template that cannot be used.
        """
        for kind, names in VALUES.items():
            self.render(kind, dict.fromkeys(names, "sample"))

    def _render(self, name: str, values: Mapping[str, str]) -> str:
        from jinja2 import TemplateError

        try:
            return self._environment.get_template(name).render(values, brand=self._brand)
        except TemplateError as fault:
            raise BrokenTemplateError(f"{name}: {fault}") from fault
        except Exception as fault:
            # An operator's template can run into anything, and quote a value when it does.
            raise BrokenTemplateError(f"{name}: {type(fault).__name__}") from fault

    @cached_property
    def _environment(self) -> "Environment":
        # Jinja2 takes time and memory to load: only a process that writes mail does so.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

        folders = [_OWN] if self._folder is None else [self._folder, _OWN]
        return Environment(
            loader=FileSystemLoader(folders),
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
