"""A Redis of a test's own: it may be stopped, frozen, flushed, and started late."""

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis

from tests.running_server import free_port


class RedisServer:
    """A real Redis of a test's own, which may be started, frozen, thawed and stopped."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=5)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            f"redis-server --port {self.port} --bind 127.0.0.1 --appendonly no --save ".split(" "),
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(500):
            with suppress(redis.RedisError):
                self.client.ping()
                return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
