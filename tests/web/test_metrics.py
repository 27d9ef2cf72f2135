"""What is counted, and under which names."""

from pathlib import Path

import pytest

from auth_service.web.metrics import CONTENT_TYPE, Metrics
from tests.running_server import serving


def exposed(metrics: Metrics) -> list[str]:
    return metrics.exposition().decode().splitlines()


def test_a_request_is_counted_by_method_route_and_status() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.count_request("POST", "/auth/login", 401, 0.02)
    line = 'auth_http_requests_total{method="POST",route="/auth/login",status="401"} 3.0'
    assert line in exposed(metrics)


def test_its_time_goes_into_a_histogram_of_the_route() -> None:
    metrics = Metrics()
    metrics.count_request("POST", "/auth/login", 200, 0.02)
    name = "auth_http_request_duration_seconds"
    assert f'{name}_bucket{{le="0.01",route="/auth/login"}} 0.0' in exposed(metrics)
    assert f'{name}_bucket{{le="0.025",route="/auth/login"}} 1.0' in exposed(metrics)
    assert f'{name}_sum{{route="/auth/login"}} 0.02' in exposed(metrics)


@pytest.mark.parametrize("method", ["BREW", "get", "", "HEAD"])
def test_an_unusual_method_makes_no_label_of_its_own(method: str) -> None:
    metrics = Metrics()
    metrics.count_request(method, None, 405, 0.001)
    line = 'auth_http_requests_total{method="other",route="none",status="405"} 1.0'
    assert line in exposed(metrics)


def test_two_apps_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.count_request("GET", "/healthz", 200, 0.001)
    assert "healthz" not in second.exposition().decode()


def test_the_text_says_what_it_is() -> None:
    assert CONTENT_TYPE.startswith("text/plain")
    assert exposed(Metrics())[0].startswith("# HELP ")


async def test_several_workers_are_counted_together(sqlite_url: str, tmp_path: Path) -> None:
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": sqlite_url,
        "AUTH_SECRET_KEYS": "a secret of the tests, at least 32 characters long",
        "AUTH_METRICS_TOKEN": "metrics",
        "AUTH_ACCESS_LOG": "false",
    }
    requests = 20
    async with serving(environment, folder=tmp_path, arguments=("--workers", "2")) as server:
        # A connection for each request, so that both workers get some.
        for _ in range(requests):
            async with server.client() as http:
                assert (await http.get("/problems")).status_code == 200
        async with server.client(headers={"Authorization": "Bearer metrics"}) as http:
            text = (await http.get("/metrics")).text
    line = 'auth_http_requests_total{method="GET",route="/problems",status="200"}'
    assert f"{line} {requests}.0" in text.splitlines()
