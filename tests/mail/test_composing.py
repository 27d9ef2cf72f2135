"""From a row to a message: one sender, one recipient, and the same message every time."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from auth_service.core.ids import new_id
from auth_service.mail.composing import Composer
from auth_service.mail.errors import MailRefused
from auth_service.mail.message import MailKind
from auth_service.mail.payload import Payload
from tests.conftest import settings_for
from tests.mail.messages import WRITTEN_AT, message_to
from tests.mail.stored_mail import LINK


def as_sent(message: EmailMessage) -> EmailMessage:
    return message_from_bytes(message.as_bytes(), policy=default)


def test_a_message_says_that_a_machine_wrote_it() -> None:
    assert message_to()["Auto-Submitted"] == "auto-generated"


def test_a_message_has_text_and_html_with_the_same_link() -> None:
    message = as_sent(message_to())
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert LINK in text.get_content()
    assert LINK in html.get_content()


def test_a_message_is_ascii_as_every_server_takes_it() -> None:
    values = {"at": "now", "device": "Fïrefox", "ip": "unknown"}
    message = message_to(kind=MailKind.NEW_DEVICE, values=values)
    assert message.as_bytes().isascii()
    text = as_sent(message).get_body(("plain",))
    assert text is not None
    assert "Fïrefox" in text.get_content()


def test_date_and_id_come_from_the_row() -> None:
    mail_id = new_id()
    composer = Composer.of(settings_for("sqlite://", issuer="https://auth.example.com"))
    payload = Payload("ada@example.com", {"link": LINK, "valid_for": "a day"})
    [first, second] = [
        composer.compose(mail_id, "verify_email", payload, written_at=WRITTEN_AT) for _ in "12"
    ]
    assert first["Message-ID"] == second["Message-ID"] == f"<{mail_id}@auth.example.com>"
    assert first["Date"].datetime == WRITTEN_AT == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_sender_is_the_one_of_the_settings() -> None:
    settings = settings_for("sqlite://", mail_from='"Ex, Ample" <a@example.com>')
    payload = Payload("ada@example.com", {"link": LINK, "valid_for": "a day"})
    message = Composer.of(settings).compose(
        new_id(), "verify_email", payload, written_at=WRITTEN_AT
    )
    [sender] = as_sent(message)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Ex, Ample", "a@example.com")


@pytest.mark.parametrize("address", ["ada@example.com", "o'hara+tag@sub.example.com", "a@b.test"])
def test_there_is_one_recipient(address: str) -> None:
    [recipient] = as_sent(message_to(address))["To"].addresses
    assert recipient.addr_spec == address


@pytest.mark.parametrize(
    "address",
    ["a@example.com,b@example.com", "a@example.com\nBcc: b@example.com", "a@b@example.com", "@"],
)
def test_nothing_is_written_to_two(address: str) -> None:
    with pytest.raises(MailRefused, match="recipient_invalid"):
        message_to(address)


@pytest.mark.parametrize(
    "device",
    ["x\r\n\r\nLog in at https://evil.example", "x\u2028y", "a\u202eb", "a\x00b", "\ud800"],
)
def test_a_value_stays_on_its_line(device: str) -> None:
    values = {"at": "now", "device": device, "ip": "unknown"}
    message = as_sent(message_to(kind=MailKind.NEW_DEVICE, values=values))
    text = message.get_body(("plain",))
    assert text is not None
    typical = as_sent(message_to(kind=MailKind.NEW_DEVICE, values=values | {"device": "x"}))
    typical_text = typical.get_body(("plain",))
    assert typical_text is not None
    assert len(text.get_content().splitlines()) == len(typical_text.get_content().splitlines())


def test_a_value_without_end_is_cut() -> None:
    values = {"at": "now", "device": "x" * 100_000, "ip": "unknown"}
    assert len(message_to(kind=MailKind.NEW_DEVICE, values=values).as_bytes()) < 10_000
