"""An application that knows nothing of tokens and believes what its proxy tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Heard:
    """A request as it reached the application; each header as it was spelled, in lower case."""

    method: str
    headers: list[tuple[str, str]]
    body: bytes

    def told(self) -> dict[str, list[str]]:
        """What an application finds that takes ``_`` and ``-`` for the same, as WSGI does."""
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            if name.replace("_", "-").startswith("x-auth-"):
                found.setdefault(name.replace("_", "-"), []).append(value)
        return found


@dataclass
class Application:
    """Where it listens, and what it has heard."""

    port: int
    heard: list[Heard] = field(default_factory=list)


@contextmanager
def application() -> Iterator[Application]:
    """Serve a page to whoever asks, until the block ends."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._show()

        def do_POST(self) -> None:
            self._show()

        def _show(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = [(name.lower(), value) for name, value in self.headers.items()]
            running.heard.append(Heard(self.command, headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"page")

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as host:
        running = Application(host.server_port)
        thread = Thread(target=host.serve_forever, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            host.shutdown()
            thread.join()
