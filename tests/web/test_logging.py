"""Log lines: one an event, in one form for ours and the libraries', and nothing secret in them."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from auth_service.settings import Settings
from auth_service.web.logging import configure_logging


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


def configure(**values: str) -> None:
    configure_logging(Settings(environment="test", **values))  # type: ignore[arg-type]


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    structlog.get_logger().info("login", user_id="019b", note="Zoë\nforged")
    (line,) = capsys.readouterr().out.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["user_id"]) == ("login", "info", "019b")
    assert event["note"] == "Zoë\nforged"
    assert event["timestamp"].endswith("Z")
    assert line.isascii()


def test_a_person_reads_it_on_one_line_without_colours(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="console")
    structlog.get_logger().info("login", user_id="019b")
    (line,) = capsys.readouterr().out.splitlines()
    assert "login" in line
    assert "user_id=019b" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_trace_comes_without_the_row_that_postgresql_quotes(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure(log_format=log_format)
    try:
        raise ValueError("violates check\nDETAIL:  Failing row contains (ada@example.com, $2b$12$)")  # noqa: TRY301 - it has to be raised to be traced
    except ValueError:
        structlog.get_logger().exception("unexpected_error")
    log = capsys.readouterr().out
    assert "violates check" in log
    assert "ada@" not in log


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_trace_comes_without_local_variables(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure(log_format=log_format)
    try:
        _fail("correct horse battery staple".upper())
    except LookupError:
        structlog.get_logger().exception("unexpected_error")
    log = capsys.readouterr().out
    assert "in _fail" in log
    assert "LookupError: lost" in log
    assert "CORRECT HORSE" not in log


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_library_logs_in_the_same_form(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure(log_format=log_format)
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("alembic").warning("migrated %s", "once")
    started, migrated = capsys.readouterr().out.splitlines()
    assert "started" in started
    assert "uvicorn.error" in started
    assert "migrated once" in migrated
    if log_format == "json":
        assert json.loads(migrated)["logger"] == "alembic"


def test_what_libraries_say_at_length_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_level="debug")
    logging.getLogger("sqlalchemy.engine").info("SELECT secret")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("log_level", "heard"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_the_level_is_a_setting(
    capsys: pytest.CaptureFixture[str], log_level: str, heard: int
) -> None:
    configure(log_level=log_level)
    log = structlog.get_logger()
    for method in (log.debug, log.info, log.warning, log.error):
        method("event")
    assert len(capsys.readouterr().out.splitlines()) == heard


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    configure()
    logging.getLogger("uvicorn.error").warning("once")
    structlog.get_logger().info("once")
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_is_bound_to_a_request_is_in_all_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("ours")
        logging.getLogger("uvicorn.error").warning("theirs")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["request_id"] for line in lines] == ["r-1", "r-1"]


def _fail(password: str) -> None:
    local = password  # what a trace with local variables would show
    raise LookupError("lost" if local else "")
