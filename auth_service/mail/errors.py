"""How the sending of a mail can fail. The codes are ours: a server's text may hold anything."""


class MailRefused(Exception):
    """This mail will never be taken: to try again is of no use."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class MailDelayed(Exception):
    """This mail was not taken this time; it may be later, or once the operator has mended it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)
