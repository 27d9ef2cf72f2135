"""uvicorn's HTTP/1.1 protocol with limits, so that slow, oversized and broken clients do no harm.

uvicorn leaves the size of a head and the time a request takes to arrive to a proxy. Here a client
that owes something (the rest of a head, the rest of a body, the reading of an answer) has a
deadline, and what it may send without getting anywhere is bounded.
"""

import math
from asyncio import AbstractEventLoop, Transport
from collections.abc import Mapping
from typing import Any, Final

import httptools
import structlog
from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from auth_service.core.errors import DomainError
from auth_service.core.ids import new_id
from auth_service.web.http_errors import HeadersTooLarge, MalformedHttp, RequestTimeout, raw_answer
from auth_service.web.http_limits import DEFAULT_LIMITS, HttpLimits, Reading

MAX_PIPELINED: Final = 64
LINGER: Final = 1.0  # seconds for a refused client to read its answer
FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})

log = structlog.get_logger()


# An enumeration looks its members up slowly in Python 3.11, and these are met with every request.
NOTHING: Final = Reading.NOTHING
HEAD: Final = Reading.HEAD
BODY: Final = Reading.BODY


class HardenedHttpProtocol(HttpToolsProtocol):
    """One connection, under limits.

    There is one timer a connection: the slot that uvicorn has for keep-alive. While a request
    arrives in one piece, nothing else is ever scheduled.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        limits: HttpLimits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._reading: Reading = NOTHING
        self._advanced = False  # another part is being read since the timer was last set
        self._fruitless_bytes = 0  # received since the last progress: a head, a piece of body
        self._deadline = 0.0
        self._unsent_bytes = math.inf
        self._held_back = False  # the application did not read on when last looked at
        self._refusal: DomainError | None = None
        self._running: RequestResponseCycle | None = None

    # What the transport tells

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn
        """Give the client its time for a first request."""
        super().connection_made(transport)
        self._expire_in(self._limits.header_timeout)

    def data_received(self, data: bytes) -> None:
        """Read on, within the limits; whatever follows a refusal is dropped."""
        if self._refusal is not None:
            return
        try:
            self._feed(data)
        except httptools.HttpParserError as fault:
            cause = fault.__context__
            self._refuse(cause if isinstance(cause, DomainError) else MalformedHttp())
        except HeadersTooLarge as refusal:
            self._refuse(refusal)
        else:
            self._set_timer()

    def pause_writing(self) -> None:
        """Watch that the client takes what it asked for."""
        super().pause_writing()
        self._unsent_bytes = math.inf
        if self.timeout_keep_alive_task is None:
            self._expire_in(self._limits.body_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer, and tell the running request (uvicorn tells the last one read)."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # What the parser tells

    def on_message_begin(self) -> None:
        """Start on a head."""
        if self._reading is NOTHING:  # else it is the head that `_reframe` replays
            self._reading, self._advanced = HEAD, True
            super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application, or queue the request behind those before it."""
        if self._reading is BODY:  # the head that `_reframe` replays
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            raise MalformedHttp("Too many requests were sent ahead of their answers.")
        super().on_headers_complete()
        self._reading, self._advanced = BODY, True
        self._fruitless_bytes = 0
        # Trailers must not join the headers of a request that already runs (RFC 9110 section
        # 6.5.1): they land in a list that nobody reads.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on."""
        self._fruitless_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that the body is whole."""
        if self.parser.should_upgrade() and self._framing():
            return  # the parser takes the body for another protocol's: see `_reframe`
        super().on_message_complete()
        self._reading, self._advanced = NOTHING, True
        self._fruitless_bytes = 0

    def _should_upgrade(self) -> bool:
        return False

    # Sizes

    def _feed(self, data: bytes) -> None:
        """Parse at most as much at a time as the limit still allows.

        A head that begins behind another message in one piece of data is counted from the next
        piece on, so pipelined ones are cut at twice the limit at the latest.
        """
        limit = self._limits.max_header_bytes
        while data:
            piece = data[: limit - self._fruitless_bytes]
            data = data[len(piece) :]
            self._fruitless_bytes += len(piece)
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                data = piece[upgrade.args[0] :] + data
                self._reframe()
            if self._reading is NOTHING:
                self._fruitless_bytes = 0
            elif self._fruitless_bytes >= limit:
                raise HeadersTooLarge

    def _framing(self) -> Mapping[bytes, bytes]:
        return {name: value for name, value in self.scope["headers"] if name in FRAMING}

    def _reframe(self) -> None:
        """Ignore the request's wish to upgrade, as RFC 9110 section 7.8 allows.

        The parser holds that what follows belongs to the other protocol, the body of the request
        included. Read as a next request, that body would be a smuggled one; so a new parser is
        told the framing of the request and goes on from there.
        """
        if self._reading is not BODY:
            return
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        fields = b"".join(b"%b: %b\r\n" % field for field in self._framing().items())
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + fields + b"\r\n")

    # Times

    def _expire_in(self, seconds: float) -> None:
        self._expire_at(self.loop.time() + seconds)

    def _expire_at(self, deadline: float) -> None:
        self._unset_keepalive_if_required()
        self._deadline = deadline
        self.timeout_keep_alive_task = self.loop.call_at(deadline, self.timeout_keep_alive_handler)

    def _set_timer(self) -> None:
        if not self._advanced:
            return  # drips, and blank lines between requests, gain no time
        self._advanced = self._held_back = False
        if self._reading is not NOTHING:
            self._expire_in(self._time_to_arrive())
        elif self.cycle.response_complete:
            self._expire_in(self.timeout_keep_alive)
        elif self.flow.write_paused:
            self._expire_in(self._limits.body_timeout)
        else:
            self._unset_keepalive_if_required()

    def _answered(self) -> bool:
        """Whether no request waits for its answer."""
        return self.cycle is None or self.cycle.response_complete

    def _time_to_arrive(self) -> float:
        head = self._reading is HEAD
        return self._limits.header_timeout if head else self._limits.body_timeout

    def _owes_input(self) -> bool:
        """Whether an unanswered request has begun to arrive and is not complete."""
        if self._reading is NOTHING or self._refusal is not None or self.transport.is_closing():
            return False
        return self._reading is HEAD or not self.cycle.response_complete

    def on_response_complete(self) -> None:
        """Go on with what came meanwhile: a next request, a part of one, or a refused one."""
        answered_all = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            self._expire_in(self._limits.body_timeout)
        elif self._owes_input():
            self._expire_at(self._deadline)
        elif self._refusal is not None and answered_all:
            self._answer(self._refusal)

    def timeout_keep_alive_handler(self) -> None:
        """The client's time is over: end what it keeps waiting."""
        self.timeout_keep_alive_task = None
        if self.transport.get_write_buffer_size():
            self._require_progress()
        elif self._owes_input():
            self._end_waiting()
        elif self._answered():
            self.transport.close()

    def _require_progress(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent_bytes:
            self.transport.abort()
        else:
            self._unsent_bytes = unsent
            self._expire_in(self._limits.body_timeout)

    def _end_waiting(self) -> None:
        paused = self.flow.read_paused
        if paused or self._held_back:  # the application is slow, or was until a moment ago
            self._held_back = paused
            self._expire_in(self._time_to_arrive())
        else:
            self._refuse(RequestTimeout())

    # Refusals

    def _refuse(self, refusal: DomainError) -> None:
        """Answer the request that is being read, in its turn, and read no other."""
        self._refusal = refusal
        if self._reading is not BODY:
            if self._answered():
                self._answer(refusal)
        elif self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        else:
            self._interrupt(self.cycle, refusal)

    def _interrupt(self, cycle: RequestResponseCycle, refusal: DomainError) -> None:
        if cycle.response_complete:
            self._linger()
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.abort()
        else:
            self._answer(refusal)

    def _answer(self, refusal: DomainError) -> None:
        request_id = new_id()
        peer = self.client[0] if self.client else None
        log.info("request_refused", code=refusal.code, request_id=str(request_id), client=peer)
        fields = self.scope["headers"] if self._reading is BODY else self.headers
        extra = (*self.server_state.default_headers, *self._limits.headers_for(fields))
        self.transport.write(raw_answer(refusal, request_id, extra, issuer=self._limits.issuer))
        self._linger()

    def _linger(self) -> None:
        """Close in steps: with input unread, closing at once would take the answer back.

        (RFC 9112 section 9.6.)
        """
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(LINGER, self.transport.abort)
