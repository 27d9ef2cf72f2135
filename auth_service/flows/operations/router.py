"""``/healthz``, ``/readyz`` and ``/metrics``."""

import secrets
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from auth_service.flows.operations.errors import InvalidMetricsToken, NotReady
from auth_service.flows.operations.service import Operations, State
from auth_service.settings import Settings
from auth_service.web.metrics import CONTENT_TYPE, Metrics
from auth_service.web.problems import problems

router = APIRouter(tags=["operations"])


class HealthAnswer(BaseModel):
    """The process is up."""

    status: Literal["ok"] = "ok"


class ReadinessAnswer(BaseModel):
    """Requests can be served; `degraded` where something is missing that they can do without."""

    status: State
    checks: dict[str, State]


@router.get("/healthz")
async def get_health() -> HealthAnswer:
    """Whether the process is up; touches nothing else."""
    return HealthAnswer()


@router.get("/readyz", responses=problems(NotReady))
async def get_readiness(request: Request) -> ReadinessAnswer:
    """Whether requests can be served: database, schema, signing key, and Redis where configured."""
    operations: Operations = request.app.state.operations
    found = await operations.readiness()
    return ReadinessAnswer(status=found.status, checks=found.checks)


def metrics_router(metrics: Metrics, settings: Settings) -> APIRouter:
    """``GET /metrics``, which only exists where ``AUTH_METRICS_TOKEN`` is set."""
    protected = APIRouter(tags=["operations"], include_in_schema=False)
    token = settings.metrics_token
    expected = f"Bearer {token.get_secret_value() if token else ''}".encode()

    @protected.get("/metrics")
    async def get_metrics(request: Request) -> Response:
        """What has been counted, in the Prometheus text format."""
        given = request.headers.get("authorization", "").encode("latin-1")
        if not secrets.compare_digest(given, expected):
            raise InvalidMetricsToken
        operations: Operations = request.app.state.operations
        metrics.longest_unsealed.set(operations.longest_unsealed().total_seconds())
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return protected
