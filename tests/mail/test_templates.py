"""Each kind has its words; nothing that a request brought along can change their meaning."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from auth_service.mail.composing import Composer
from auth_service.mail.message import VALUES, MailKind
from auth_service.mail.templates import BrokenTemplateError, MailTemplates, Words
from auth_service.setting_sources import SettingsError
from tests.conftest import settings_for

LINK: Final = "https://app.example.com/verify-email#token=t-1"
TYPICAL: Final = {
    "link": LINK,
    "valid_for": "30 minutes",
    "at": "24 November 2026, 12:00 UTC",
    "device": "Firefox on Linux",
    "ip": "203.0.113.7",
    "deleted_at": "27 November 2026, 12:00 UTC",
    "old_email": "ada@example.com",
    "webhook_id": "019b17d7-0dac-7549-bd4f-3506907d1583",
    "host": "hooks.example.com",
    "since": "2 March 2026, 14:07 UTC",
    "new_email": "ada@new.example",
}
HOSTILE: Final = '"><script>alert(1)</script><a href="https://evil.example">{{ 7*7 }}</a>'
TEMPLATES: Final = MailTemplates(brand="Example & Co")


class Page(HTMLParser):
    """What a browser would make of a mail: its elements, its links, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str | None] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def words_of(kind: MailKind, **changes: str) -> Words:
    values = {name: TYPICAL[name] for name in VALUES[kind]}
    return TEMPLATES.render(kind, values | changes)


def test_what_each_kind_brings_is_written_down() -> None:
    assert set(VALUES) == set(MailKind)


@pytest.mark.parametrize("kind", MailKind)
def test_subject_text_and_html_can_be_written_with_what_callers_give(kind: MailKind) -> None:
    words = words_of(kind)
    assert "Example & Co" in words.subject
    assert len(words.subject) <= 78
    assert "\n" not in words.subject
    for written in (words.text, Page(words.html).text):
        assert "Hello," in written
        assert "Example & Co" in written
    assert "{{" not in words.text + words.html
    assert "{%" not in words.text + words.html


@pytest.mark.parametrize("kind", MailKind)
def test_both_forms_tell_all_that_was_given(kind: MailKind) -> None:
    words = words_of(kind)
    page = Page(words.html)
    for name in VALUES[kind]:
        assert TYPICAL[name] in words.text, name
        assert TYPICAL[name] in page.text, name


@pytest.mark.parametrize("kind", [kind for kind in MailKind if "link" in VALUES[kind]])
def test_a_link_stands_alone_on_its_line_and_is_the_only_one(kind: MailKind) -> None:
    words = words_of(kind)
    assert LINK in words.text.splitlines()
    assert re.findall(r"https?://\S+", words.text) == [LINK]
    assert set(Page(words.html).links) == {LINK}


@pytest.mark.parametrize("kind", [kind for kind in MailKind if "device" in VALUES[kind]])
def test_a_notice_says_what_to_do_if_it_was_somebody_else(kind: MailKind) -> None:
    words = words_of(kind)
    assert re.search(r"not\s+you|do\s+not\s+recognise", words.text)


@pytest.mark.parametrize("kind", MailKind)
def test_lines_of_text_are_short_enough_to_read(kind: MailKind) -> None:
    assert max(len(line) for line in words_of(kind).text.splitlines()) <= 90


@pytest.mark.parametrize("kind", MailKind)
def test_a_hostile_value_is_only_text(kind: MailKind) -> None:
    hostile = dict.fromkeys(set(VALUES[kind]) - {"link"}, HOSTILE)
    typical, page = Page(words_of(kind).html), Page(words_of(kind, **hostile).html)
    assert page.elements == typical.elements
    assert page.links == typical.links
    assert "49" not in page.text


def test_a_hostile_link_stays_in_its_attribute() -> None:
    page = Page(words_of(MailKind.VERIFY_EMAIL, link='https://a.example/"><script>').html)
    assert "script" not in page.elements
    assert set(page.links) == {'https://a.example/"><script>'}


def test_a_brand_is_escaped_too() -> None:
    templates = MailTemplates(brand="<b>Example</b>")
    html = templates.render(MailKind.VERIFY_EMAIL, {"link": LINK, "valid_for": "a day"}).html
    assert "b" not in Page(html).elements


@pytest.mark.parametrize("kind", MailKind)
def test_the_page_loads_nothing_and_says_that_it_works_in_the_dark(kind: MailKind) -> None:
    words = words_of(kind)
    assert not {"img", "link", "style", "script", "iframe"} & set(Page(words.html).elements)
    assert '<meta name="color-scheme" content="light dark">' in words.html


def test_all_of_ours_can_be_used() -> None:
    TEMPLATES.check()


# --- Templates of one's own ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_file_in_the_folder_replaces_ours_alone(folder: Path) -> None:
    (folder / "verify_email.subject.txt").write_text("{{ brand }}: bitte bestätigen\n")
    templates = MailTemplates(brand="Example & Co", folder=folder)
    own = templates.render(MailKind.VERIFY_EMAIL, {"link": LINK, "valid_for": "a day"})
    ours = TEMPLATES.render(MailKind.VERIFY_EMAIL, {"link": LINK, "valid_for": "a day"})
    assert own.subject == "Example & Co: bitte bestätigen"
    assert own.text == ours.text


def test_a_layout_of_one_s_own_is_used_by_all_our_templates(folder: Path) -> None:
    (folder / "layout.txt").write_text("{% block body %}{% endblock %}\nExample Ltd, 1 Road\n")
    templates = MailTemplates(brand="Example", folder=folder)
    for kind in MailKind:
        values = {name: TYPICAL[name] for name in VALUES[kind]}
        assert "Example Ltd, 1 Road" in templates.render(kind, values).text


def test_html_of_one_s_own_is_escaped_as_ours_is(folder: Path) -> None:
    (folder / "new_device.html").write_text("<p>{{ device }}</p>")
    templates = MailTemplates(brand="Example", folder=folder)
    html = templates.render(MailKind.NEW_DEVICE, TYPICAL | {"device": "<script>"}).html
    assert html == "<p>&lt;script&gt;</p>"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{{ nobody_gives_this }}", "verify_email.txt: 'nobody_gives_this' is undefined"),
        (b"{% if %}", "verify_email.txt: "),
        (b"{% extends 'gone.txt' %}", "verify_email.txt: 'gone.txt' not found"),
        (b"\xff", "verify_email.txt: UnicodeDecodeError"),
        (b"{{ link.nothing.at_all }}", "verify_email.txt: "),
        (b"{{ 1 / 0 }}", "verify_email.txt: ZeroDivisionError"),
    ],
)
def test_a_template_that_cannot_be_used_is_named(folder: Path, content: bytes, reason: str) -> None:
    (folder / "verify_email.txt").write_bytes(content)
    templates = MailTemplates(brand="Example", folder=folder)
    with pytest.raises(BrokenTemplateError, match=re.escape(reason)):
        templates.render(MailKind.VERIFY_EMAIL, {"link": LINK, "valid_for": "a day"})


def test_a_service_does_not_start_with_a_template_that_cannot_be_used(folder: Path) -> None:
    settings = settings_for("sqlite://", mail_templates=folder)
    Composer.of(settings)
    (folder / "hard_stop.html").write_text("{{ link }}")
    with pytest.raises(SettingsError) as refused:
        Composer.of(settings)
    assert str(refused.value) == "AUTH_MAIL_TEMPLATES hard_stop.html: 'link' is undefined"
