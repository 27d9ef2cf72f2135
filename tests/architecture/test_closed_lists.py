"""What is listed as recorded or counted is recorded and counted somewhere in the code."""

import re
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.metrics import MetricWrapperBase

from auth_service.audit.actions import Action
from auth_service.web.metrics import Metrics

SOURCES: Final = Path(__file__).parents[2] / "auth_service"
LISTS: Final = {
    SOURCES / "audit" / "actions.py",
    SOURCES / "webhooks" / "event_types.py",
    SOURCES / "flows" / "service_tokens" / "revocation_list.py",
    SOURCES / "web" / "metrics.py",
}
CODE: Final = "\n".join(
    path.read_text() for path in sorted(SOURCES.rglob("*.py")) if path not in LISTS
)
METRICS: Final = [
    name for name, part in vars(Metrics()).items() if isinstance(part, MetricWrapperBase)
]


@pytest.mark.parametrize("action", Action)
def test_every_action_is_recorded(action: Action) -> None:
    # The command line names actions by their names, since it loads them late.
    assert re.search(rf'\bAction\.{action.name}\b|"{action.name}"', CODE)


@pytest.mark.parametrize("name", [name for name in METRICS if not name.startswith("_")])
def test_every_metric_is_counted(name: str) -> None:
    assert re.search(rf"\bmetrics\.{name}\.|\b{name}\.labels", CODE)
