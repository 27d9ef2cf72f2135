"""A name for the program and system that a session was opened with, for its owner to know it by."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ua_parser import Parser

UNKNOWN: Final = "Unknown device"


@lru_cache(maxsize=1024)
def device_name(user_agent: str | None) -> str:
    """Such as ``Firefox on Windows``; the first word of a program that says no more.

    What a client says of itself proves nothing.
    """
    if not user_agent or not user_agent.strip():
        return UNKNOWN
    found = _parser().parse(user_agent)
    program = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    if program is None:
        program = user_agent.split("/")[0].split()[0][:40]
    return f"{program} on {system}" if system else program


@cache
def _parser() -> "Parser":
    """Loaded when the first name is asked for. Without its patterns for models it is half as big."""
    from ua_parser import Parser
    from ua_parser.loaders import load_lazy_builtins
    from ua_parser.regex import Resolver

    programs, systems, _ = load_lazy_builtins()
    return Parser(Resolver((programs, systems, [])))
