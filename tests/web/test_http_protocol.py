"""Raw clients against a real server: the slow, the oversized, the broken, and the honest."""

import asyncio
import json
import logging
import pickle
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPMessage, parse_headers
from pathlib import Path
from typing import Any, Self, cast
from uuid import UUID

import pytest
import structlog
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from auth_service.core.errors import DomainError
from auth_service.setting_types import AllowedOrigins
from auth_service.web.http_errors import HeadersTooLarge, MalformedHttp, RequestTimeout
from auth_service.web.http_limits import HttpLimits
from auth_service.web.http_protocol import MAX_PIPELINED, HardenedHttpProtocol
from auth_service.web.response_headers import headers_of_every_answer
from auth_service.web.statuses import STATUS_OF_KIND
from tests.conftest import settings_for

PATIENCE = 5.0  # seconds until a test gives up on the server
BRIEF = 0.2
LIMIT = 4096
ISSUER = "https://auth.example.com"


def http_protocol(limits: HttpLimits) -> type[HardenedHttpProtocol]:
    return cast("type[HardenedHttpProtocol]", partial(HardenedHttpProtocol, limits=limits))


BIG = 20_000_000  # more than the sockets on the way hold
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class App:
    """A bare application that keeps what it saw."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.disconnected = threading.Event()
        self.resume = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/early":
            await self._answer(send, 413, b"early")
            return
        if path == "/started":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
        if path == "/slow":
            await asyncio.to_thread(self.resume.wait, PATIENCE)
        if path == "/endless":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(1000):
                await send({"type": "http.response.body", "body": bytes(64_000), "more_body": True})
        if path == "/late":
            length = (b"content-length", str(BIG).encode())
            await send({"type": "http.response.start", "status": 200, "headers": [length]})
            body = bytes(BIG // 2)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.sleep(2 * BRIEF)
            await send({"type": "http.response.body", "body": body})
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected.set()
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.requests.append((scope["method"], path, body))
        self.headers.append(scope["headers"])
        await self._answer(send, 200, bytes(BIG) if path == "/big" else body)

    @staticmethod
    async def _answer(send: Any, status: int, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Answer:
    """A response as it came."""

    status: int
    headers: HTTPMessage
    body: bytes


class Client:
    """A connection that says exactly what it is told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def sendall(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_what_is_taken(self, data: bytes) -> None:
        """Send in the background, until the server has enough."""

        def send() -> None:
            with suppress(OSError):
                self.socket.sendall(data)

        threading.Thread(target=send, daemon=True).start()

    def drip(self, data: bytes) -> None:
        """Send bytes one by one until the server says something or closes."""
        for byte in data:
            try:
                self.sendall(bytes([byte]))
            except ConnectionError:
                return
            if select.select([self.socket], [], [], 0.02)[0]:
                return

    def take(self, size: int) -> bytes:
        return self._file.read(size)

    def answer(self) -> Answer:
        status = int(self._file.readline().split()[1])
        headers = parse_headers(self._file)
        return Answer(status, headers, self._file.read(int(headers["Content-Length"])))

    def until_closed(self) -> bytes:
        """All that comes before the end.

        A byte that arrives after the server closed resets the connection: an end like any other.
        """
        taken = bytearray()
        with self, suppress(ConnectionResetError):
            while part := self._file.read(1):
                taken += part
        return bytes(taken)


class Service:
    """A running server: its application and its port."""

    def __init__(self, app: App, server: uvicorn.Server, port: int) -> None:
        self.app, self.server, self.port = app, server, port

    def connect(self, data: bytes = b"") -> "Client":
        client = Client(self.port)
        client.sendall(data)
        return client

    def connections(self) -> int:
        return len(self.server.server_state.connections)


@contextmanager
def served(protocol: type[asyncio.Protocol], **options: Any) -> Iterator[Service]:
    app = App()
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=True,
        **options,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        eventually(lambda: server.started)
        try:
            yield Service(app, server, listener.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE)


@pytest.fixture(scope="module")
def _patient_server() -> Iterator[Service]:
    headers = headers_of_every_answer(settings_for("sqlite://"))
    protocol = http_protocol(HttpLimits(60, 60, LIMIT, issuer=ISSUER, headers=headers))
    with served(protocol, timeout_keep_alive=60) as service:
        yield service


@pytest.fixture(scope="module")
def _hasty_server() -> Iterator[Service]:
    protocol = http_protocol(HttpLimits(BRIEF, BRIEF))
    with served(protocol, timeout_keep_alive=BRIEF) as service:
        yield service


@pytest.fixture
def patient(_patient_server: Service) -> Service:
    """A server whose times never run out in a test."""
    _patient_server.app.__init__()  # type: ignore[misc] # a fresh memory for every test
    return _patient_server


@pytest.fixture
def hasty(_hasty_server: Service) -> Service:
    """A server whose times run out at once."""
    _hasty_server.app.__init__()  # type: ignore[misc] # a fresh memory for every test
    return _hasty_server


def eventually(condition: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.005)


def refused(client: Client, error: type[DomainError]) -> dict[str, Any]:
    """The problem that the client is told before the connection ends."""
    answer = client.answer()
    assert answer.status == STATUS_OF_KIND[error.kind]
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["code"] == error.code
    assert client.until_closed() == b""
    return problem


# The honest


def test_body_and_headers_reach_the_application(patient: Service) -> None:
    with patient.connect(POST + b"hello") as client:
        assert client.answer().body == b"hello"


def test_a_connection_serves_one_request_after_another(patient: Service) -> None:
    with patient.connect() as client:
        for _ in range(3):
            client.sendall(POST + b"again")
            assert client.answer().body == b"again"


def test_pipelined_requests_are_answered_in_order(patient: Service) -> None:
    with patient.connect(b"".join(POST + b"%05d" % n for n in range(20))) as client:
        assert [client.answer().body for _ in range(20)] == [b"%05d" % n for n in range(20)]


def test_http_1_0_is_answered_and_closed(patient: Service) -> None:
    answer = patient.connect(b"GET / HTTP/1.0\r\n\r\n").until_closed()
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_expectation_is_met_before_the_body(patient: Service) -> None:
    head = POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with patient.connect(head) as client:
        assert client.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert client.answer().body == b"hello"


def test_body_larger_than_the_header_limit_arrives(patient: Service) -> None:
    body = bytes(10 * LIMIT)
    with patient.connect(POST.replace(b": 5", b": %d" % len(body)) + body + GET) as client:
        assert client.answer().body == body
        assert client.answer().status == 200


def test_many_small_chunks_arrive(patient: Service) -> None:
    with patient.connect(CHUNKED + b"1\r\nx\r\n" * LIMIT + b"0\r\n\r\n") as client:
        assert client.answer().body == b"x" * LIMIT


def test_headers_of_exactly_the_limit_pass(patient: Service) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
    with patient.connect(head.replace(b"X: ", b"X: " + b"x" * (LIMIT - len(head)))) as client:
        assert client.answer().status == 200


def test_trailers_do_not_become_headers(patient: Service) -> None:
    with patient.connect(CHUNKED + b"0\r\nX-Trailer: 1\r\n\r\n") as client:
        assert client.answer().status == 200
    assert b"x-trailer" not in dict(patient.app.headers[0])


# Upgrades


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_upgrade_is_ignored_without_a_warning(
    patient: Service, protocol: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % protocol)
    with caplog.at_level(logging.WARNING), patient.connect(head + POST + b"after") as client:
        assert client.answer().status == 200
        assert client.answer().body == b"after"
    assert not caplog.records


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: %d" % len(GET), GET),
        (b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(GET), GET)),
    ],
)
def test_body_of_an_upgrade_is_no_second_request(
    patient: Service, framing: bytes, body: bytes
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    head = b"POST /up HTTP/1.1\r\nHost: a\r\n" + upgrade + framing + b"\r\n\r\n"
    with patient.connect(head + body + POST + b"after") as client:
        assert client.answer().body == GET
        assert client.answer().body == b"after"
    assert [path for _, path, _ in patient.app.requests] == ["/up", "/"]


# The broken


@pytest.mark.parametrize(
    "message",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://[::1/x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        POST.replace(b"5", b"-5"),
        POST.replace(b"5", b"5\r\nContent-Length: 6") + b"hello",
        POST.replace(b"5", b"5\r\nTransfer-Encoding: chunked") + b"0\r\n\r\n",
        CHUNKED.replace(b"chunked", b"chunked\r\nContent-Length: 5") + b"0\r\n\r\n",
        CHUNKED.replace(b"chunked", b"xchunked") + b"0\r\n\r\n",
        CHUNKED + b"no size\r\n",
    ],
)
def test_broken_message_is_malformed(patient: Service, message: bytes) -> None:
    refused(patient.connect(message), MalformedHttp)
    assert not patient.app.requests


def test_refusal_is_a_whole_problem(patient: Service) -> None:
    answer = patient.connect(b"broken\r\n\r\n").answer()
    problem = json.loads(answer.body)
    assert answer.headers["X-Request-ID"] == problem["request_id"]
    assert UUID(problem.pop("request_id"))
    assert problem == {
        "type": f"{ISSUER}/problems/malformed_http",
        "title": MalformedHttp.title,
        "status": 400,
        "detail": MalformedHttp.title,
        "code": "malformed_http",
    }


def test_refusal_has_the_headers_of_every_answer(patient: Service) -> None:
    headers = patient.connect(b"broken\r\n\r\n").answer().headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Connection"] == "close"
    assert headers["Date"]
    assert "Server" not in headers


def test_refusal_can_be_read_by_a_page_of_an_allowed_origin() -> None:
    limits = HttpLimits(
        headers=((b"cross-origin-resource-policy", b"same-origin"),),
        origins=AllowedOrigins(frozenset({"https://app.example.com"})),
    )
    head = b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://%b\r\nAccept: *\r\nbroken\r\n\r\n"
    headers = dict(limits.headers_for([(b"origin", b"https://app.example.com")]))
    assert headers[b"access-control-allow-origin"] == b"https://app.example.com"
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
    for fields in ([], [(b"origin", b"https://evil.example")], [(b"origin", b"x")] * 2):
        assert b"access-control-allow-origin" not in dict(limits.headers_for(fields))
    with served(http_protocol(limits)) as service:
        for host, allowed in ((b"app.example.com", True), (b"evil.example", False)):
            answer = service.connect(head % host).answer()
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert ("Access-Control-Allow-Origin" in answer.headers) is allowed


def test_refusal_is_logged_without_a_word_of_the_request(patient: Service) -> None:
    with structlog.testing.capture_logs() as logged:
        patient.connect(b"secret\r\n\r\n").answer()
    [line] = [line for line in logged if line["event"] == "request_refused"]
    assert (line["code"], line["client"]) == ("malformed_http", "127.0.0.1")
    assert "secret" not in str(line)


def test_nothing_after_a_broken_message_is_run(patient: Service) -> None:
    refused(patient.connect(b"broken\r\n\r\n" + GET), MalformedHttp)
    assert not patient.app.requests


def test_broken_message_behind_a_good_one_waits_for_its_turn(patient: Service) -> None:
    client = patient.connect(POST.replace(b"/", b"/slow", 1) + b"hello" + b"broken\r\n\r\n")
    patient.app.resume.set()
    assert client.answer().body == b"hello"
    refused(client, MalformedHttp)


def test_broken_body_behind_a_good_request_never_runs(patient: Service) -> None:
    client = patient.connect(POST + b"hello" + CHUNKED + b"no size\r\n")
    assert client.answer().body == b"hello"
    refused(client, MalformedHttp)
    assert len(patient.app.requests) == 1


def test_broken_body_ends_the_wait_of_the_application(
    patient: Service, caplog: pytest.LogCaptureFixture
) -> None:
    eventually(lambda: patient.connections() == 0)
    client = patient.connect(CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert client.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"no size\r\n")
    assert patient.app.disconnected.wait(PATIENCE)
    assert patient.connections() == 1, "it waited until the client had gone"
    refused(client, MalformedHttp)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_broken_body_after_the_answer_began_cuts_it_off(patient: Service) -> None:
    client = patient.connect(CHUNKED.replace(b"/", b"/started", 1))
    assert client.take(12) == b"HTTP/1.1 200"
    client.sendall(b"no size\r\n")
    assert client.until_closed().endswith(b"4\r\npart\r\n")


def test_broken_body_after_the_answer_gets_no_second_one(patient: Service) -> None:
    client = patient.connect(CHUNKED.replace(b"/", b"/early", 1))
    assert client.answer().body == b"early"
    client.sendall(b"no size\r\n")
    assert client.until_closed() == b""


# The oversized


@pytest.mark.parametrize(
    "flood",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * 100 * LIMIT,
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 100 * LIMIT,
        b"GET /" + b"x" * 100 * LIMIT + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * LIMIT + b"\r\n\r\n",
        CHUNKED + b"0\r\nX: " + b"x" * 100 * LIMIT,
        CHUNKED + b"1;" + b"x" * 100 * LIMIT,
    ],
    ids=["one header", "many headers", "url", "complete", "trailer", "chunk extension"],
)
def test_flood_is_cut_at_the_limit(patient: Service, flood: bytes) -> None:
    client = patient.connect()
    client.send_what_is_taken(flood)
    refused(client, HeadersTooLarge)
    assert not patient.app.requests


def test_flood_in_small_packets_is_cut_at_the_limit(patient: Service) -> None:
    client = patient.connect(b"GET / HTTP/1.1\r\n")
    for _ in range(LIMIT // 16 - 1):
        client.sendall(b"X: aaaaaaaaaaa\r\n")
    refused(client, HeadersTooLarge)


def test_flood_behind_a_good_request_is_cut(patient: Service) -> None:
    client = patient.connect(GET + b"GET / HTTP/1.1\r\nX: " + b"x" * 2 * LIMIT)
    assert client.answer().status == 200
    refused(client, HeadersTooLarge)


def test_too_many_requests_ahead_of_their_answers_are_refused(patient: Service) -> None:
    client = patient.connect(GET.replace(b"/", b"/slow", 1) + GET * (MAX_PIPELINED + 1))
    patient.app.resume.set()
    answers = [client.answer().body for _ in range(MAX_PIPELINED + 1)]
    assert len(answers) == MAX_PIPELINED + 1
    assert "ahead of their answers" in refused(client, MalformedHttp)["detail"]


# The slow


def test_silent_connection_is_closed_without_a_word(hasty: Service) -> None:
    assert hasty.connect().until_closed() == b""


def test_blank_lines_gain_no_time(hasty: Service) -> None:
    client = hasty.connect()
    client.drip(b"\r\n" * 500)
    assert client.until_closed() == b""


def test_drips_of_a_header_time_out(hasty: Service) -> None:
    client = hasty.connect()
    client.drip(b"GET / HTTP/1.1\r\nX: " + b"x" * 1000)
    refused(client, RequestTimeout)


def test_drips_of_a_header_on_a_used_connection_time_out(hasty: Service) -> None:
    client = hasty.connect(GET)
    assert client.answer().status == 200
    client.drip(b"GET / HTTP/1.1\r\nX: " + b"x" * 1000)
    refused(client, RequestTimeout)


def test_drips_of_a_body_time_out(hasty: Service, caplog: pytest.LogCaptureFixture) -> None:
    client = hasty.connect(POST.replace(b"5", b"5000"))
    client.drip(b"x" * 1000)
    refused(client, RequestTimeout)
    assert hasty.app.disconnected.wait(PATIENCE)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_missing_body_after_100_continue_times_out(hasty: Service) -> None:
    client = hasty.connect(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert client.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    refused(client, RequestTimeout)


def test_missing_body_of_an_upgrade_times_out(hasty: Service) -> None:
    head = POST.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    refused(hasty.connect(head), RequestTimeout)


def test_missing_body_after_the_answer_began_cuts_it_off(hasty: Service) -> None:
    client = hasty.connect(POST.replace(b"/", b"/started", 1))
    assert client.until_closed().endswith(b"4\r\npart\r\n")


def test_missing_body_of_a_queued_request_times_out_in_its_turn(hasty: Service) -> None:
    client = hasty.connect(POST + b"hello" + POST)
    assert client.answer().body == b"hello"
    refused(client, RequestTimeout)


def test_missing_head_behind_a_good_request_times_out(hasty: Service) -> None:
    client = hasty.connect(POST + b"hello" + b"GET / HT")
    assert client.answer().body == b"hello"
    refused(client, RequestTimeout)


def test_body_missing_after_an_early_answer_does_not_hold_the_connection(hasty: Service) -> None:
    client = hasty.connect(POST.replace(b"/", b"/early", 1) + b"he")
    assert client.answer().body == b"early"
    assert client.until_closed() == b""


def test_body_completed_after_an_early_answer_keeps_the_connection(patient: Service) -> None:
    with patient.connect(POST.replace(b"/", b"/early", 1) + b"he") as client:
        assert client.answer().body == b"early"
        client.sendall(b"llo")
        time.sleep(0.05)
        client.sendall(POST + b"again")
        assert client.answer().body == b"again"


def test_slow_application_is_not_the_clients_fault(hasty: Service) -> None:
    client = hasty.connect(POST.replace(b"/", b"/slow", 1) + b"hello")
    time.sleep(2 * BRIEF)
    hasty.app.resume.set()
    assert client.answer().body == b"hello"


def test_body_held_back_by_the_application_is_not_the_clients_fault(hasty: Service) -> None:
    body = bytes(1_000_000)
    client = hasty.connect(POST.replace(b"/", b"/slow", 1).replace(b": 5", b": %d" % len(body)))
    client.send_what_is_taken(body)
    time.sleep(2.5 * BRIEF)
    hasty.app.resume.set()
    assert len(client.answer().body) == len(body)


def test_idle_connection_is_kept_for_its_time(patient: Service) -> None:
    with patient.connect(GET) as client:
        assert client.answer().status == 200
        time.sleep(BRIEF)
        client.sendall(GET)
        assert client.answer().status == 200


def test_answer_that_is_not_taken_does_not_hold_the_connection(hasty: Service) -> None:
    eventually(lambda: hasty.connections() == 0)
    with hasty.connect(GET.replace(b"/", b"/big", 1)):
        eventually(lambda: hasty.app.requests)
        eventually(lambda: hasty.connections() == 0)


@pytest.mark.parametrize("behind", [b"GET / HT", b"broken\r\n\r\n"])
def test_more_input_does_not_excuse_an_answer_not_taken(hasty: Service, behind: bytes) -> None:
    eventually(lambda: hasty.connections() == 0)
    with hasty.connect(GET.replace(b"/", b"/big", 1) + behind):
        eventually(lambda: hasty.app.requests)
        eventually(lambda: hasty.connections() == 0)


@pytest.mark.parametrize("message", [GET, b"broken\r\n\r\n"])
def test_message_while_an_answer_is_not_taken_ends_all(hasty: Service, message: bytes) -> None:
    eventually(lambda: hasty.connections() == 0)
    with hasty.connect(GET.replace(b"/", b"/endless", 1)) as client:
        assert client.take(12) == b"HTTP/1.1 200"
        client.sendall(message)
        eventually(lambda: hasty.connections() == 0)


def test_answer_taken_late_is_not_cut_off(hasty: Service) -> None:
    with hasty.connect(GET.replace(b"/", b"/late", 1)) as client:
        assert len(client.answer().body) == BIG


def test_last_answer_that_is_not_taken_does_not_hold_the_connection(hasty: Service) -> None:
    eventually(lambda: hasty.connections() == 0)
    with hasty.connect(b"GET /big HTTP/1.1\r\nConnection: close\r\n\r\n"):
        eventually(lambda: hasty.app.requests)
        eventually(lambda: hasty.connections() == 0)


def test_refused_client_that_stays_is_cut_off(patient: Service) -> None:
    eventually(lambda: patient.connections() == 0)
    with patient.connect(b"broken\r\n\r\n"):
        eventually(lambda: patient.connections() == 1)
        eventually(lambda: patient.connections() == 0)


# TLS


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Service]:
    """A server that speaks TLS itself, which cannot close one direction alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now - timedelta(days=1),
        not_valid_after=now + timedelta(days=1),
    ).sign(key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    with served(HardenedHttpProtocol, ssl_certfile=path) as service:
        yield service


def test_refusal_reaches_a_client_over_tls(
    encrypted: Service, caplog: pytest.LogCaptureFixture
) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", encrypted.port), timeout=PATIENCE)
    with context.wrap_socket(plain) as client:
        client.sendall(b"broken\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 400"
    eventually(lambda: encrypted.connections() == 0)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# Configuration


def test_limits_survive_the_way_to_a_worker() -> None:
    protocol = http_protocol(HttpLimits(1, 2, 3))
    config = uvicorn.Config("app:app", http=protocol, ws="none", log_config=None)
    copy = pickle.loads(pickle.dumps(config))  # noqa: S301 - what uvicorn does for a worker
    assert copy.http.func is HardenedHttpProtocol
    assert copy.http.keywords == protocol.keywords  # type: ignore[attr-defined] # is a partial
