"""Why a token is refused, and why nothing can be said of it."""


class InvalidTokenError(Exception):
    """The token is not to be trusted.

    ``check`` names the first check that failed, for logs; it holds nothing of the token.
    """

    def __init__(self, check: str) -> None:
        self.check = check
        super().__init__(f"access token refused: {check}")


class IssuerUnavailableError(Exception):
    """The issuer gave no answer by which a token could be judged: a 503 for the caller, no 401.

    ``retry_after`` is in whole seconds.
    """

    def __init__(self, reason: str, *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class KeysUnavailableError(IssuerUnavailableError):
    """The issuer's keys cannot be fetched, and none are known that are recent enough."""


class IntrospectionUnavailableError(IssuerUnavailableError):
    """The issuer could not be asked whether a token is live, or did not say."""


class RevocationsUnavailableError(IssuerUnavailableError):
    """The issuer's list of revocations cannot be fetched, and the last one is too old."""


class UnusableKeyError(Exception):
    """A published key, or a set of them, that verifies nothing here."""


class FailedExchangeError(Exception):
    """A request to the issuer got no whole, well-formed answer in time."""
