"""Mail over SMTP, with a real server: taken, refused, put off, and never in clear by accident."""

import asyncio
from pathlib import Path

import pytest

from auth_service.mail.errors import MailDelayed, MailRefused
from auth_service.mail.smtp import SmtpPatience, SmtpTransport
from auth_service.mail_settings import SmtpServer
from tests.mail.messages import message_to
from tests.mail.smtp_server import certificate_of_our_own, mail_server
from tests.mail.stored_mail import LINK
from tests.running_server import free_port

BRIEF = SmtpPatience(answer=0.3, whole=5, farewell=0.3)


def transport_to(url: str, patience: SmtpPatience | None = None) -> SmtpTransport:
    return SmtpTransport(SmtpServer.of(url), own_name="auth.example.com", patience=patience)


async def delayed(url: str, patience: SmtpPatience | None = None) -> str:
    with pytest.raises(MailDelayed) as delay:
        await transport_to(url, patience).send(message_to())
    return delay.value.code


async def refused(url: str, address: str = "ada@example.com") -> str:
    with pytest.raises(MailRefused) as refusal:
        await transport_to(url).send(message_to(address))
    return refusal.value.code


# --- Taken ---


async def test_a_message_arrives_whole() -> None:
    async with mail_server() as mailbox:
        sent = message_to()
        await transport_to(mailbox.url).send(sent)
        mail = await mailbox.next_to("ada@example.com")
    assert mail.recipients == ["ada@example.com"]
    assert mail.message["From"] == "Example <accounts@example.com>"
    assert mail.message["Message-ID"] == sent["Message-ID"]
    assert mail.link == LINK
    assert mail.token == "t-0123456789"
    assert LINK in mail.html


async def test_a_server_that_does_not_say_goodbye_has_taken_it_all_the_same() -> None:
    async with mail_server() as mailbox:

        async def hang_up(*_: object) -> str:
            await asyncio.sleep(5)
            return "221 Bye"

        mailbox.handle_QUIT = hang_up  # type: ignore[attr-defined]  # found by its name
        await transport_to(mailbox.url, BRIEF).send(message_to())
        assert len(mailbox.received) == 1


async def test_a_local_part_that_is_not_ascii_needs_a_server_that_takes_it() -> None:
    async with mail_server() as mailbox:
        await transport_to(mailbox.url).send(message_to("jürgen@example.com"))
        [mail] = mailbox.received
    assert mail.recipients == ["jürgen@example.com"]
    async with mail_server(smtputf8=False) as mailbox:
        assert await refused(mailbox.url, "jürgen@example.com") == "smtputf8_unsupported"
        assert mailbox.received == []


async def test_a_domain_that_is_not_ascii_needs_no_such_server() -> None:
    async with mail_server(smtputf8=False) as mailbox:
        await transport_to(mailbox.url).send(message_to("ada@bücher.example"))
        [mail] = mailbox.received
    assert mail.recipients == ["ada@xn--bcher-kva.example"]


# --- Refused for good ---


@pytest.mark.parametrize("code", [550, 551, 553, 554])
async def test_a_recipient_that_the_server_does_not_know_is_given_up(code: int) -> None:
    async with mail_server() as mailbox:
        mailbox.recipient_answers["ada@example.com"] = f"{code} no such user"
        assert await refused(mailbox.url) == "recipient_refused"


async def test_a_message_that_the_server_does_not_want_is_given_up() -> None:
    async with mail_server() as mailbox:
        mailbox.data_answers = ["554 looks like spam"]
        assert await refused(mailbox.url) == "message_refused"


# --- Put off ---


@pytest.mark.parametrize("code", [421, 450, 451, 452, 530])
async def test_a_recipient_that_is_refused_for_now_is_tried_again(code: int) -> None:
    async with mail_server() as mailbox:
        mailbox.recipient_answers["ada@example.com"] = f"{code} later"
        assert await delayed(mailbox.url) == "recipient_delayed"
        assert mailbox.received == []


async def test_a_message_that_is_refused_for_now_is_tried_again() -> None:
    async with mail_server() as mailbox:
        mailbox.data_answers = ["451 later"]
        assert await delayed(mailbox.url) == "message_delayed"


async def test_a_sender_that_is_refused_is_the_operator_s_to_mend() -> None:
    async with mail_server() as mailbox:
        mailbox.sender_answer = "553 sender not allowed"
        assert await delayed(mailbox.url) == "sender_refused"


async def test_a_server_that_stalls_is_left() -> None:
    async with mail_server() as mailbox:
        mailbox.stall = asyncio.Event()
        assert await delayed(mailbox.url, BRIEF) == "timeout"
        assert mailbox.received == []


async def test_a_server_that_answers_too_slowly_altogether_is_left() -> None:
    async with mail_server() as mailbox:
        mailbox.stall = asyncio.Event()
        impatient = SmtpPatience(answer=30, whole=0.3, farewell=0.3)
        assert await delayed(mailbox.url, impatient) == "timeout"


async def test_a_server_that_dies_after_the_message_may_not_have_it() -> None:
    async with mail_server() as mailbox:
        mailbox.die_after_data = 1
        assert await delayed(mailbox.url) == "connection_lost"


async def test_nobody_listens() -> None:
    assert await delayed(f"smtp://127.0.0.1:{free_port()}") == "connection_lost"


@pytest.mark.parametrize(
    ("greeting", "code"), [("554 no mail here", "connection_lost"), ("220 hello", "server_error")]
)
async def test_a_server_that_wants_nothing_to_do_with_us_is_asked_again_later(
    greeting: str, code: str
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{greeting}\r\n".encode())
        while await reader.readline():
            writer.write(b"502 no\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await delayed(f"smtp://127.0.0.1:{port}") == code


# --- Who we are to the server ---


async def test_a_login_is_percent_decoded() -> None:
    async with mail_server(login=("us@er", "p:ss/w?rd")) as mailbox:
        url = mailbox.url.replace("//", "//us%40er:p%3Ass%2Fw%3Frd@")
        await transport_to(url).send(message_to())
        assert len(mailbox.received) == 1


async def test_a_wrong_password_of_ours_is_the_operator_s_to_mend() -> None:
    async with mail_server(login=("user", "right")) as mailbox:
        url = mailbox.url.replace("//", "//user:wrong@")
        assert await delayed(url) == "login_refused"
        assert mailbox.tries == 0


async def test_a_login_that_is_missing_is_the_operator_s_to_mend() -> None:
    async with mail_server(login=("user", "right")) as mailbox:
        assert await delayed(mailbox.url) == "sender_refused"


async def test_a_server_without_logins_is_not_sent_to_as_nobody() -> None:
    async with mail_server() as mailbox:
        mailbox.sender_answer = "250 OK"
        assert await delayed(mailbox.url.replace("//", "//user:password@")) == "login_refused"
        assert mailbox.tries == 0


async def test_a_server_that_dies_at_the_login_is_only_lost() -> None:
    async with mail_server(login=("user", "right")) as mailbox:

        async def abort(server: object, *_: object) -> str:
            server.transport.abort()  # type: ignore[attr-defined]
            return "535 gone"

        mailbox.handle_AUTH = abort  # type: ignore[attr-defined]  # found by its name
        url = mailbox.url.replace("//", "//user:right@")
        assert await delayed(url) == "connection_lost"


# --- Encryption ---


async def test_starttls_with_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = certificate_of_our_own(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with mail_server(tls=context, login=("user", "right")) as mailbox:
        url = mailbox.url.replace("//", "//user:right@") + "?starttls=true"
        await transport_to(url).send(message_to())
        assert len(mailbox.received) == 1


async def test_starttls_with_a_certificate_that_nobody_vouches_for_fails(tmp_path: Path) -> None:
    context, _ = certificate_of_our_own(tmp_path)
    async with mail_server(tls=context, login=("user", "right")) as mailbox:
        url = mailbox.url.replace("//", "//user:right@") + "?starttls=true"
        assert await delayed(url) == "tls_failed"
        assert (mailbox.tries, mailbox.received) == (0, [])


async def test_a_server_that_offers_no_starttls_gets_nothing() -> None:
    async with mail_server(login=("user", "right")) as mailbox:
        url = mailbox.url.replace("//", "//user:right@") + "?starttls=true"
        assert await delayed(url) == "starttls_unsupported"
        assert (mailbox.tries, mailbox.received) == (0, [])


async def test_encryption_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = certificate_of_our_own(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with mail_server(tls=context, implicit_tls=True) as mailbox:
        await transport_to(mailbox.url).send(message_to())
        assert len(mailbox.received) == 1


async def test_encryption_from_the_first_byte_with_a_certificate_that_nobody_vouches_for(
    tmp_path: Path,
) -> None:
    context, _ = certificate_of_our_own(tmp_path)
    async with mail_server(tls=context, implicit_tls=True) as mailbox:
        assert await delayed(mailbox.url) == "tls_failed"
        assert mailbox.received == []
