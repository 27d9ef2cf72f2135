"""``AUTH_*`` variables that no setting reads: mostly a misspelling."""

import os
from collections.abc import Iterator

from dotenv import dotenv_values

from auth_service.settings import Settings


def unknown_variables() -> list[str]:
    """Those in the environment and in ``.env``, sorted."""
    known = {f"AUTH_{name.upper()}" for name in Settings.model_fields}
    named = (name.upper() for name in _names())
    return sorted({name for name in named if name.startswith("AUTH_") and name not in known})


def _names() -> Iterator[str]:
    yield from os.environ
    try:
        yield from dotenv_values(".env")
    except UnicodeDecodeError:
        return  # `Settings.load` says what is wrong with the file
