"""Why a file, or a line of it, cannot be imported. Neither ever repeats what stands there."""


class UnreadableFileError(Exception):
    """The file as a whole cannot be read on: its header, its encoding, its quotes."""


class UnreadableLineError(ValueError):
    """One line is not a record."""


class RefusedFieldError(ValueError):
    """One field of a record cannot be accepted; the reason is put so that it follows its name."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field} {reason}")
