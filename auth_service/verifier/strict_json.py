"""JSON (RFC 8259) that every reader understands alike."""

import json
import math
from typing import Any, Final, NoReturn


def parse_strict_json(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text in UTF-8: no name twice in an object, no NaN, no endless number.

    Raises:
        ValueError: it is none, or ambiguous, or nested too deeply to be read.
    """
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except RecursionError as fault:
        raise ValueError("nested too deeply") from fault


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


# Made once: `json.loads` would make one for every text, which costs half as much as reading it.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique_names, parse_constant=_no_constant, parse_float=_finite
)
