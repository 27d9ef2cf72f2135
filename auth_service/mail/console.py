"""Mail for developers: printed."""

import sys
from email.message import EmailMessage
from typing import Final

_HEADERS: Final = ("From", "To", "Subject", "Date")
_LINE: Final = "-" * 72


class ConsoleTransport:
    """Prints each message to standard output: its main headers and its text."""

    async def send(self, message: EmailMessage) -> None:
        """Print a message; in one piece, so that those of several workers do not mix."""
        headers = "\n".join(f"{name}: {message[name]}" for name in _HEADERS)
        text = message.get_body(("plain",))
        words = "" if text is None else text.get_content()
        sys.stdout.write(f"{_LINE}\n{headers}\n\n{words.rstrip()}\n{_LINE}\n")
        sys.stdout.flush()
