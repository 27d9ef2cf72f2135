"""Files that hold what only their owner may read."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from auth_service.cli.running import fail

_OWNER_ONLY: Final = 0o600


def new_private_file(path: Path) -> BinaryIO:
    """A new file for its owner alone; ends the command where there is one of this name."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        fail(f"{path} exists already")
    except OSError as fault:
        fail(f"cannot write {path}: {fault.strerror}")
    return os.fdopen(descriptor, "wb")


@contextmanager
def whole_private_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file for its owner alone that is there once it is complete, and before that not at all.

    Ends the command where there is one of this name, unless ``replace`` is set and it is a file.
    """
    if os.path.lexists(path):
        if not replace:
            fail(f"{path} exists already (--force replaces it)")
        if path.is_symlink() or not path.is_file():
            fail(f"{path} is no file that could be replaced")
    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            if not replace:
                new_private_file(path).close()  # takes the name, unless somebody just has
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as fault:
        fail(f"cannot write {path}: {fault.strerror}")
