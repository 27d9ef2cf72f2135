"""Which line of a file had an address or an id first: on disk, so that memory stays constant."""

import hashlib
import sqlite3
from typing import Final

_TABLE: Final = "CREATE TABLE seen (mark BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID"
_REMEMBER: Final = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING"
_RECALL: Final = "SELECT line FROM seen WHERE mark = ?"
_MARK_BYTES: Final = 16


class SeenLines:
    """Texts and the lines they stood on first.

    They lie in a temporary database of SQLite's own, which writes to disk what its cache cannot
    hold and removes it when it is closed. Hashes are kept, never the texts.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(_TABLE)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def first(self, text: str, line: int) -> int:
        """The line on which the text stood first; this one, where it is new.

        Raises:
            OSError: the folder for temporary files is full or cannot be written to.
        """
        mark = hashlib.blake2b(text.encode(), digest_size=_MARK_BYTES).digest()
        try:
            if self._connection.execute(_REMEMBER, (mark, line)).rowcount:
                return line
            found: tuple[int] = self._connection.execute(_RECALL, (mark,)).fetchone()
        except sqlite3.Error as fault:
            raise OSError(
                f"nothing can be kept in the folder for temporary files: {fault}"
            ) from fault
        return found[0]
