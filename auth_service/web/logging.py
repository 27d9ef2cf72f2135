"""Structured logs: one line an event, JSON or readable, on standard output."""

import logging
import re
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from auth_service.setting_types import LogFormat
from auth_service.settings import Settings

_DETAIL: Final = re.compile(r"DETAIL:.*")
_THIRD_PARTIES: Final = ("uvicorn", "uvicorn.error", "alembic", "sqlalchemy", "slowapi", "limits")


def configure_logging(settings: Settings) -> None:
    """Send our own and the libraries' log lines to standard output in the same form.

    Tracebacks are written without local variables and without the contents of rows: those may
    hold passwords, tokens and addresses.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = _renderer(settings.log_format)
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _short_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in _THIRD_PARTIES:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
    logging.getLogger("uvicorn").setLevel(level)


def _renderer(log_format: LogFormat) -> list[Processor]:
    last: Processor = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    if log_format is LogFormat.JSON:
        last = structlog.processors.JSONRenderer(ensure_ascii=True)
    return [structlog.processors.format_exc_info, _without_row_contents, last]


def _without_row_contents(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take out of a trace where PostgreSQL quotes a row: addresses, parts of hashes."""
    if "exception" in event:
        event["exception"] = _DETAIL.sub("DETAIL: (left out)", event["exception"])
    return event


def _short_logger_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["logger"] = event["_record"].name
    return event
