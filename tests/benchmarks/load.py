"""Load by wrk: a closed loop of checked requests on connections that are kept alive."""

import json
import math
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PASSWORD = "a long enough password"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BEARER = {"Authorization": "Bearer {TOKEN}"}
CREDENTIALS = '{"email":"{EMAIL}","password":"{PASSWORD}"}'


@dataclass(frozen=True)
class Request:
    """One request, with {EMAIL}, {TOKEN} and {PASSWORD} in it, and the answer that counts.

    ``next_token`` names the member of the answer that is the next request's token.
    """

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    status: int = 200
    needs: str = ""
    next_token: str = ""

    def filled(self, text: str, email: str, token: str = "") -> str:
        """A text of the request as it is sent."""
        for name, value in (("EMAIL", email), ("TOKEN", token), ("PASSWORD", PASSWORD)):
            text = text.replace(f"{{{name}}}", value)
        return text


@dataclass(frozen=True)
class User:
    """Whose requests a connection makes."""

    email: str
    token: str = "-"


@dataclass(frozen=True)
class Result:
    """What came of a load: rates by the second, times in milliseconds."""

    rate: float
    p50: float
    p99: float
    refused: int
    refused_p99: float


class Load:
    """A load that runs; ``result`` waits for its end."""

    def __init__(self, process: "subprocess.Popen[str]", path: str) -> None:
        self._process = process
        self._path = path

    def result(self) -> Result:
        """Wait for the end, and say what came of it."""
        output, _ = self._process.communicate()
        found = re.search(r"RESULT (\d+) (\d+) (\d+) \[(\S*)\] \[(\S*)\]", output)
        if found is None:
            raise SystemExit(output)
        good, bad, microseconds = (int(found[n]) for n in range(1, 4))
        if bad and not good:
            raise SystemExit(f"{self._path}: {output.rpartition('SAMPLE')[2].strip()}")
        answered, refused = _bins(found[4]), _bins(found[5])
        return Result(
            good / (microseconds / 1e6),
            _percentile(answered, 0.5),
            _percentile(answered, 0.99),
            bad,
            _percentile(refused, 0.99),
        )


def _bins(text: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, part.split(":"))) for part in text.split(",") if part]


def _percentile(bins: Sequence[tuple[int, ...]], share: float) -> float:
    total, passed = sum(times for _, times in bins), 0
    for bin_, times in sorted(bins):
        passed += times
        if passed >= share * total:
            return math.exp((bin_ + 0.5) / 100) / 1000
    return math.nan


@contextmanager
def load(
    url: str, request: Request, users: Sequence[User], connections: int, seconds: float
) -> Iterator[Load]:
    """Begin a load of so many connections, to be asked for its result within the block."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(f"{user.email}\t{user.token}" for user in users))
        file.flush()
        settings = {
            "METHOD": request.method,
            "PATH": request.path,
            "HEADERS": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
            "BODY": request.body,
            "STATUS": str(request.status),
            "NEEDS": request.needs,
            "NEXT": f'"{request.next_token}":%s*"([^"]+)"' if request.next_token else "",
            "PASSWORD": PASSWORD,
            "FILE": file.name,
        }
        size = str(connections)
        process = subprocess.Popen(
            [
                *("wrk", "-t", size, "-c", size, "-d", f"{math.ceil(seconds)}s"),
                *("--timeout", "60s", "-s", str(HERE / "load.lua"), url),
            ],
            env=os.environ | {f"LOAD_{name}": value for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield Load(process, request.path)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def member(text: str, name: str) -> str:
    """A string that a JSON answer has somewhere under a name."""
    found = re.search(rf'"{name}":\s*"([^"]+)"', text)
    if found is None:
        raise SystemExit(f"no {name} in {text[:200]}")
    return str(json.loads(f'"{found[1]}"'))
