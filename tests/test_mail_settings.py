"""The settings of mail are checked before anything is sent, and tell no password."""

from pathlib import Path
from typing import Any

import pytest

from auth_service.mail_settings import Encryption, SmtpServer, sender_of
from auth_service.setting_sources import SettingsError
from auth_service.settings import Settings


def faults_of(**values: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        Settings.load(**values)
    return str(refused.value).splitlines()


# --- Where mail goes ---


@pytest.mark.parametrize(
    ("url", "host", "port", "encryption"),
    [
        ("smtp://mail", "mail", 25, Encryption.NONE),
        ("smtp://mail/", "mail", 25, Encryption.NONE),
        ("smtp://mail:1025?starttls=false", "mail", 1025, Encryption.NONE),
        ("smtp://mail?starttls=true", "mail", 587, Encryption.STARTTLS),
        ("smtp://mail:25?starttls=true", "mail", 25, Encryption.STARTTLS),
        ("smtps://mail", "mail", 465, Encryption.TLS),
        ("smtps://[::1]:4650", "::1", 4650, Encryption.TLS),
    ],
)
def test_a_url_names_server_port_and_encryption(
    url: str, host: str, port: int, encryption: Encryption
) -> None:
    server = SmtpServer.of(Settings.load(mail_url=url).mail_url)
    assert (server.host, server.port, server.encryption) == (host, port, encryption)
    assert (server.username, server.password) == (None, None)


def test_user_and_password_are_percent_decoded_and_not_shown() -> None:
    server = SmtpServer.of("smtp://us%40er:hunter%2F2@mail")
    assert (server.username, server.password) == ("us@er", "hunter/2")
    assert "hunter" not in repr(server)
    assert "us@er" not in repr(server)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("smtp://", "must name the server alone, such as smtp://mail.example.com:587"),
        ("smtp://:587", "must name the server alone, such as smtp://mail.example.com:587"),
        ("smtp://a:hunter2@mail/inbox", "must name the server alone, such as"),
        ("smtp://a:hunter2@mail#x", "must name the server alone, such as"),
        ("smtp://a:hunter2@mail:0", "must have a number from 1 to 65535 as its port"),
        ("smtp://a:hunter2@mail:70000", "must have a number from 1 to 65535 as its port"),
        ("smtp://a:hunter2@mail:port", "must have a number from 1 to 65535 as its port"),
        ("smtp://a@mail", "must have a user and a password, or neither"),
        ("smtp://:hunter2@mail", "must have a user and a password, or neither"),
        ("smtp://a:hunter2@mail?tls=true", "must have no other option than starttls=true"),
        ("smtp://a:hunter2@mail?starttls=yes", "must have no other option than starttls=true"),
        ("smtp://m?starttls=true&starttls=false", "must have no other option than starttls=true"),
        ("smtps://a:hunter2@mail?starttls=true", "must have no options: smtps:// is encrypted"),
        ("console://mail", "must be nothing but console:// to print mails"),
        ("console:///x", "must be nothing but console:// to print mails"),
        ("mailto:hunter2", "must start with console://, smtp:// or smtps://"),
        ("smtp://a:hunter2@[mail", "is not a URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_with_the_reason(url: str, reason: str) -> None:
    [line] = faults_of(mail_url=url)
    assert line.startswith(f"AUTH_MAIL_URL {reason}")
    assert "hunter2" not in line


# --- Whom it is from ---


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("auth-service@localhost", "", "auth-service@localhost"),
        ("Example <a@example.com>", "Example", "a@example.com"),
        ('"Example, Inc." <a@example.com>', "Example, Inc.", "a@example.com"),
        ("Exämple <a@bücher.example>", "Exämple", "a@xn--bcher-kva.example"),
        ("<a@mail>", "", "a@mail"),
    ],
)
def test_a_sender_is_an_address_or_a_name_and_one(text: str, name: str, address: str) -> None:
    sender = sender_of(Settings.load(mail_from=text).mail_from)
    assert (sender.display_name, sender.addr_spec) == (name, address)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Example", "must have a valid address"),
        ("a@example.com, b@example.com", "must have a valid address"),
        ("a b@localhost", "must have a valid address"),
        ("@localhost", "must have a valid address"),
        ("Example <>", "must have a valid address"),
        ("jürgen@example.com", "must have an address whose part before the @ is ASCII"),
        ("a@example.com\nBcc: b@example.com", "must be an address, or a name and an address"),
        ("A <a@example.com>, <b@example.com>", "must be an address, or a name and an address"),
        ("A\r\n <a@example.com>", "must be an address, or a name and an address"),
    ],
)
def test_a_sender_that_is_none_or_several_is_refused(text: str, reason: str) -> None:
    [line] = faults_of(mail_from=text)
    assert line.startswith(f"AUTH_MAIL_FROM {reason}")


# --- What it is called, and how it is worded ---


def test_a_brand_is_a_name_on_one_line() -> None:
    assert Settings.load(brand_name=" Bücher & Co ").brand_name == "Bücher & Co"
    for text in ("a\nb", "a\x7fb", "a\u2028b", "  ", "x" * 101):
        [line] = faults_of(brand_name=text)
        assert line == "AUTH_BRAND_NAME must be a name of 1 to 100 characters on one line"


def test_a_folder_of_templates_has_to_be_there(tmp_path: Path) -> None:
    assert Settings.load(mail_templates=str(tmp_path)).mail_templates == tmp_path
    assert Settings.load().mail_templates is None
    [line] = faults_of(mail_templates=str(tmp_path / "gone"))
    assert line == "AUTH_MAIL_TEMPLATES must be a folder that exists"
