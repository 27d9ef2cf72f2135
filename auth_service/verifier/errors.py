"""Why a token is refused."""


class InvalidTokenError(Exception):
    """The token is not to be trusted.

    ``check`` names the first check that failed, for logs; it holds nothing of the token.
    """

    def __init__(self, check: str) -> None:
        self.check = check
        super().__init__(f"access token refused: {check}")
