"""Names for the program and system at the other end, as a person would know them."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ua_parser import Parser

UNKNOWN: Final = "Unknown device"
_KNOWN_PROGRAMS: Final = frozenset(
    {
        *("Chrome", "Chrome Mobile", "Chrome Mobile iOS", "Chromium", "Edge", "Edge Mobile"),
        *("Firefox", "Firefox Mobile", "Firefox iOS", "Mobile Safari", "Opera", "Opera Mobile"),
        *("Safari", "Samsung Internet", "curl", "Vivaldi", "Brave", "DuckDuckGo Mobile"),
    }
)
_KNOWN_SYSTEMS: Final = frozenset(
    {"Android", "Chrome OS", "Fedora", "Linux", "Mac OS X", "Ubuntu", "Windows", "iOS", "iPadOS"}
)


@lru_cache(maxsize=1024)
def device_name(user_agent: str | None) -> str:
    """Such as ``Firefox on Windows``; the first word of a program that says no more.

    What a client says of itself proves nothing.
    """
    if not user_agent or not user_agent.strip():
        return UNKNOWN
    program, system = _parsed(user_agent)
    if program is None:
        program = user_agent.split("/")[0].split()[0][:40]
    return f"{program} on {system}" if system else program


def well_known_device_name(user_agent: str | None) -> str:
    """The same in words of our own only, for places where nothing a client made up may stand."""
    program, system = _parsed(user_agent or "")
    if program not in _KNOWN_PROGRAMS:
        return UNKNOWN
    return f"{program} on {system}" if system in _KNOWN_SYSTEMS else str(program)


def _parsed(user_agent: str) -> tuple[str | None, str | None]:
    found = _parser().parse(user_agent)
    return (
        found.user_agent.family if found.user_agent else None,
        found.os.family if found.os else None,
    )


@cache
def _parser() -> "Parser":
    """Loaded with the first name; without its patterns for models it is half as big."""
    from ua_parser import Parser
    from ua_parser.loaders import load_lazy_builtins
    from ua_parser.regex import Resolver

    programs, systems, _ = load_lazy_builtins()
    return Parser(Resolver((programs, systems, [])))
