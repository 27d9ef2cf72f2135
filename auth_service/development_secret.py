"""The secret of a newcomer, who has set none: made once, and kept beside the database."""

import os
import secrets as random
from pathlib import Path
from typing import Final

DEVELOPMENT_SECRET_FILE: Final = Path(".auth-secret-keys")


def kept_secret(path: Path = DEVELOPMENT_SECRET_FILE) -> str:
    """The secret in the file, which is made first where there is none (mode 0600)."""
    if not path.exists():
        # Written whole under another name, then linked: of many processes that start together
        # one wins, and none ever reads half a file.
        draft = path.with_name(f"{path.name}.{os.getpid()}.{random.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(random.token_urlsafe(32) + "\n")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
