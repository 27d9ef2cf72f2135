"""Counters for Prometheus, summed over the workers where there are several."""

import os
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What is counted. Labels come from our own routes and codes, never from a request."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "auth_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "auth_http_request_duration_seconds",
            "Time from a request's first byte handled to its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.logins = Counter(
            "auth_logins", "Logins tried, by how they ended.", ("outcome",), registry=self.registry
        )
        self.refusals = Counter(
            "auth_refusals",
            "Requests refused by a rule of the service, by the code of the problem.",
            ("code",),
            registry=self.registry,
        )
        self.mails = Counter(
            "auth_mails",
            "Tries to send a mail, by how they ended: sent, retried (later), given_up.",
            ("outcome",),
            registry=self.registry,
        )

        self.longest_unsealed = Gauge(
            "auth_audit_longest_unsealed_seconds",
            "For how long the oldest event without a seal has waited for one, at most.",
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )

    def count_request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` is None where none matched."""
        name = route or "none"
        known = method if method in {"GET", "POST", "PUT", "PATCH", "DELETE"} else "other"
        self._requests.labels(known, name, str(status)).inc()
        self._seconds.labels(name).observe(seconds)

    def exposition(self) -> bytes:
        """Everything counted so far, in the Prometheus text format."""
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            whole = CollectorRegistry()
            MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
            return generate_latest(whole)
        return generate_latest(self.registry)
