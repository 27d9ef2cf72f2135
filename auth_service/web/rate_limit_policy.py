"""What is allowed, how a client stands with it, and the headers that tell."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple, Self

from limits import RateLimitItem

from auth_service.settings import parsed_limits

PolicyName = Literal["login", "anonymous", "refresh", "user", "mail", "mail-address", "refusal"]
_NAMESPACE: Final = "limits"


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit as the store is asked about it: how many in how many seconds, and under what key.

    Reading these off a ``RateLimitItem`` for each request would take longer than counting does.
    """

    amount: int
    seconds: int
    key_begin: str
    key_end: str

    @classmethod
    def of(cls, limit: RateLimitItem, policy_name: str) -> Self:
        """The quota of a policy's limit."""
        begin, _, end = limit.key_for(policy_name, "\0").partition("\0")
        return cls(limit.amount, limit.get_expiry(), begin, end)


@dataclass(frozen=True)
class Policy:
    """A name and its limits, the shortest window first."""

    name: str
    limits: tuple[RateLimitItem, ...]

    @classmethod
    def parse(cls, name: str, notation: str) -> Self:
        """A policy from a setting such as ``200/day;50/hour``.

        Of two limits over windows of the same length only the tighter could ever refuse, so only
        that is kept: each has a name of its own then.
        """
        tightest: dict[int, RateLimitItem] = {}
        for limit in sorted(parsed_limits(notation), key=lambda limit: limit.amount):
            tightest.setdefault(limit.get_expiry(), limit)
        return cls(
            name,
            tuple(
                type(limit)(limit.amount, limit.multiples, namespace=_NAMESPACE)
                for _, limit in sorted(tightest.items())
            ),
        )

    @cached_property
    def quotas(self) -> tuple[Quota, ...]:
        """The limits, ready to be counted against."""
        return tuple(Quota.of(limit, self.name) for limit in self.limits)

    @cached_property
    def limit_names(self) -> tuple[str, ...]:
        """The policy's name for its only limit, else one such as ``anonymous-hour`` for each."""
        if len(self.limits) == 1:
            return (self.name,)
        return tuple(f"{self.name}-{_window_name(limit)}" for limit in self.limits)

    @cached_property
    def header(self) -> bytes:
        """The value of `RateLimit-Policy`: quota and window in seconds of each limit."""
        return ", ".join(
            f'"{name}";q={limit.amount};w={limit.get_expiry()}'
            for name, limit in zip(self.limit_names, self.limits, strict=True)
        ).encode()


class Window(NamedTuple):
    """How one limit stands for one client: what is left, and the seconds until more is."""

    remaining: int
    reset_after: int
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands with a policy after a request; ``windows`` go with its ``limits``."""

    policy: Policy
    windows: tuple[Window, ...]

    @property
    def retry_after(self) -> int | None:
        """Whole seconds until a request would be let through; None where this one was."""
        waits = [window.reset_after for window in self.windows if window.refused]
        return max(waits) if waits else None


def rate_limit_headers(standing: Standing) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers)."""
    state = ", ".join(
        f'"{name}";r={window.remaining};t={window.reset_after}'
        for name, window in zip(standing.policy.limit_names, standing.windows, strict=True)
    )
    return [(b"ratelimit-policy", standing.policy.header), (b"ratelimit", state.encode())]


def _window_name(limit: RateLimitItem) -> str:
    return f"{limit.multiples if limit.multiples > 1 else ''}{limit.GRANULARITY.name}"
