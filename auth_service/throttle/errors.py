"""Refusals of the throttle."""

from auth_service.web.rate_limit import RateLimited

_DETAIL = "Too many tries for this address. Wait before the next one."


class TooManyTries(RateLimited):
    """A try for an address that has to wait; the answer is the same whether it has an account."""

    def __init__(self, seconds: int) -> None:
        super().__init__(_DETAIL, retry_after=seconds)
