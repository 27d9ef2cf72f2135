"""``/admin/sessions``: everybody's, for an emergency."""

from fastapi import APIRouter, Response

from auth_service.admin.acting import Acting
from auth_service.admin.caller import ADMINISTRATOR, RECENTLY_LOGGED_IN, Administrator
from auth_service.admin.users_router import REFUSALS, Administration
from auth_service.identity.errors import InsufficientUserAuthentication
from auth_service.web.dependencies import Client
from auth_service.web.problems import problems
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/admin/sessions",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)


@router.delete(
    "",
    status_code=204,
    response_class=Response,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(*REFUSALS, InsufficientUserAuthentication),
)
async def end_everybodys_sessions(
    admin: Administrator,
    administration: Administration,
    client: Client,
) -> None:
    """Log everybody out everywhere, yourself included: for when credentials or a key have leaked.

    A 503 means that some are left: ask again. Needs a login of the last ten minutes.
    """
    await administration.end_everybodys_sessions(Acting.of(admin, client))
