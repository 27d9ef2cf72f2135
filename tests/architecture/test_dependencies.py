"""No request waits for a thread only to be handed what is there already.

FastAPI calls a dependency or a route that is no coroutine in a thread; that costs more than the
read of a session. What really blocks is named here.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from auth_service.app import create_app
from auth_service.settings import Settings
from tests.conftest import SECRET

READ_FILES: Final = {"_send_asset", "get_asset"}
"""Routes that read a file."""


def routes(found: Any) -> Iterator[APIRoute]:
    """Every route of the application, through the routers that it includes."""
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router.routes)


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """A route's function, and whatever it depends on."""
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from calls(each)


def runs_in_a_thread(call: Callable[..., Any]) -> bool:
    function = call if inspect.isroutine(call) else type(call).__call__
    return not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function))


def test_nothing_but_files_is_read_in_a_thread() -> None:
    settings = Settings(_env_file=None, secret_keys=[SECRET], metrics_token="of the metrics")
    found = [*routes(create_app(settings).routes)]
    assert len(found) > 50
    blocking = {
        call for route in found for call in calls(route.dependant) if runs_in_a_thread(call)
    }
    assert {call.__name__ for call in blocking} == READ_FILES
