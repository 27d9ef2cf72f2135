"""In development a mail is printed, so that its link can be clicked."""

import pytest

from auth_service.mail.console import ConsoleTransport
from auth_service.mail.smtp import SmtpTransport
from auth_service.mail.transport import transport_of
from tests.conftest import settings_for
from tests.mail.messages import message_to
from tests.mail.stored_mail import LINK


async def test_the_headers_the_text_and_the_link_on_its_own_line_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await ConsoleTransport().send(message_to())
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:5] == [
        "From: Example <accounts@example.com>",
        "To: ada@example.com",
        "Subject: Confirm your e-mail address for Example",
        "Date: Tue, 24 Nov 2026 12:00:00 +0000",
    ]
    assert LINK in printed
    assert not any("<" in line for line in printed[5:])


def test_the_url_names_the_transport() -> None:
    assert isinstance(
        transport_of(settings_for("sqlite://", mail_url="console://")), ConsoleTransport
    )
    smtp = settings_for("sqlite://", mail_url="smtps://mail.example.com")
    assert isinstance(transport_of(smtp), SmtpTransport)
