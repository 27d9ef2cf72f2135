"""The tables of a run: what was measured, and what it comes to as ratios."""

import os
import platform
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.load import Result

OURS, BARE = "auth_service", "bare FastAPI"
STORM = "current user while {} log in"
STORM_LOGINS = "logins of {} at once"
COLUMNS = ("current user", "refresh", "login", STORM.format(8), STORM_LOGINS.format(8))


@dataclass
class Measured:
    """What each server did in each scenario, round by round."""

    python_peers: list[str]
    results: dict[str, dict[str, list[Result]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    megabytes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    starts: dict[str, list[float]] = field(default_factory=dict)

    def rate(self, name: str, scenario: str) -> float | None:
        """The median rate by the second; None where it was not measured."""
        found = self.results[name][scenario]
        return statistics.median(result.rate for result in found) if found else None

    def p99(self, name: str, scenario: str) -> float:
        """The median of the 99th percentiles, in milliseconds."""
        return statistics.median(result.p99 for result in self.results[name][scenario])

    def best(self, scenario: str) -> float | None:
        """The rate of the best Python peer."""
        rates = [self.rate(name, scenario) for name in self.python_peers]
        return max((rate for rate in rates if rate is not None), default=None)


def report(measured: Measured) -> str:
    """Both tables, as Markdown."""
    return "\n".join([*_rates(measured), "", *_ratios(measured)])


def _rates(measured: Measured) -> Iterator[str]:
    yield "| requests a second (p99, ms) | " + " | ".join(COLUMNS) + " | MiB a worker |"
    yield "| --- |" + " --- |" * (len(COLUMNS) + 1)
    for name in measured.results:
        cells = [_cell(measured, name, column) for column in COLUMNS]
        memory = f"{statistics.median(measured.megabytes[name]):.0f}"
        yield f"| {name} | " + " | ".join([*cells, memory]) + " |"


def _cell(measured: Measured, name: str, column: str) -> str:
    rate = measured.rate(name, column)
    if rate is None:
        return "-"
    digits = 0 if rate >= 100 else 1
    return f"{rate:,.{digits}f} ({measured.p99(name, column):,.0f})"


def _ratios(measured: Measured) -> Iterator[str]:
    yield "| what | of what | ratio or figure | aim |"
    yield "| --- | --- | --- | --- |"
    for what, of, value, aim in _lines(measured):
        yield f"| {what} | {of} | {'not measured' if value is None else value} | {aim} |"


def _lines(measured: Measured) -> Iterator[tuple[str, str, str | None, str]]:
    def ours(scenario: str) -> float | None:
        return measured.rate(OURS, scenario)

    def other(name: str, scenario: str) -> float | None:
        return measured.rate(name, scenario)

    storm, many = STORM.format(8), STORM.format(64)
    oidc = "oidc-provider"
    best = "the best Python peer"
    read = "current user"
    yield read, best, _ratio(ours(read), measured.best(read)), "2.5"
    yield read, oidc, _ratio(ours(read), other(oidc, read)), "1 (stretch)"
    same = "bare FastAPI, the same row the same way"
    yield read, same, _ratio(ours(read), other(BARE, read)), "0.9"
    two = "bare FastAPI, two columns"
    yield read, two, _ratio(ours(read), other(BARE, "two columns")), ""
    rotation = "the best Python peer that rotates"
    yield "refresh", rotation, _ratio(ours("refresh"), measured.best("refresh")), "3"
    yield "refresh", oidc, _ratio(ours("refresh"), other(oidc, "refresh")), "1"
    yield (
        "refresh",
        "bare select and update",
        _ratio(ours("refresh"), other(BARE, "refresh")),
        "0.8",
    )
    yield "login", "bare bcrypt", _ratio(ours("login"), other(BARE, "login")), "0.95"
    yield storm, best, _ratio(ours(storm), measured.best(storm)), "5"
    for scenario, logins in ((storm, STORM_LOGINS.format(8)), (many, STORM_LOGINS.format(64))):
        yield f"{scenario}, p99", "", f"{measured.p99(OURS, scenario):.0f} ms", "25 ms"
        yield logins, "our logins alone", _ratio(ours(logins), ours("login")), "0.6"
    refused = measured.results[OURS][STORM_LOGINS.format(64)]
    slowest = statistics.median(result.refused_p99 for result in refused)
    turned = sum(result.refused for result in refused)
    yield f"p99 of the {turned:,} logins turned away", "", f"{slowest:.0f} ms", "50 ms"
    starts = {name: statistics.median(seconds) for name, seconds in measured.starts.items()}
    yield "cold start", BARE, _ratio(starts[OURS], starts[BARE]), "1.5"
    yield "`auth-service --help`", "", f"{starts['--help'] * 1000:.0f} ms", "300 ms"


def _ratio(mine: float | None, other: float | None) -> str | None:
    return None if mine is None or not other else f"{mine / other:.2f}"


def write(path: Path, tables: str, rounds: int, seconds: int) -> None:
    """Put the tables in their place in a file, with the machine and the date."""
    machine = (
        f"Medians of {rounds} rounds of {seconds} seconds on {datetime.now(UTC):%Y-%m-%d}, "
        f"{os.cpu_count()} cores of {_processor()}, Python {platform.python_version()}."
    )
    text = path.read_text(encoding="utf-8")
    figures = f"<!-- figures -->\n{machine}\n\n{tables}\n<!-- end of figures -->"
    pattern = r"<!-- figures -->.*<!-- end of figures -->"
    path.write_text(re.sub(pattern, lambda _: figures, text, flags=re.DOTALL), encoding="utf-8")


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()
