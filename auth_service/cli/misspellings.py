"""``AUTH_*`` variables and mounted secrets that no setting reads: mostly a misspelling."""

import os
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from auth_service.settings import Settings


def unknown_variables() -> list[str]:
    """Those in the environment, in ``.env`` and in ``AUTH_SECRETS_DIR``, sorted."""
    known = {f"AUTH_{name.upper()}" for name in Settings.model_fields}
    named = (name.upper() for name in _names())
    return sorted({name for name in named if name.startswith("AUTH_") and name not in known})


def _names() -> Iterator[str]:
    yield from os.environ
    try:
        from_file = dotenv_values(".env")
    except UnicodeDecodeError:
        return  # `Settings.load` says what is wrong with the file
    yield from from_file
    folder = os.environ.get("AUTH_SECRETS_DIR") or from_file.get("AUTH_SECRETS_DIR")
    if folder and Path(folder).is_dir():
        yield from (path.name for path in Path(folder).iterdir())
