"""``/admin/keys``: the keys that sign access tokens."""

from fastapi import APIRouter, Request

from auth_service.admin.acting import Acting
from auth_service.admin.caller import ADMINISTRATOR, RECENTLY_LOGGED_IN, Administrator
from auth_service.admin.keys_schemas import KeyPage
from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.identity.errors import Forbidden, InsufficientUserAuthentication
from auth_service.tokens import repository
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.keys import SigningKeys
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/admin/keys",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)


@router.get("", responses=problems(InvalidAccessToken, Forbidden, RateLimited))
async def list_keys(request: Request) -> KeyPage:
    """The signing keys, the oldest first: which one signs, which is next, which verify still."""
    return KeyPage.of(await repository.list_keys(request.app.state.database))


@router.post(
    "/rotate",
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(InvalidAccessToken, InsufficientUserAuthentication, Forbidden, RateLimited),
)
async def rotate_keys(
    request: Request, admin: Administrator, db: RequestTransaction, client: Client
) -> KeyPage:
    """Publish the next signing key, and list all of them.

    It signs once every validator can know it. With a next key published already nothing is
    changed. Needs a login of the last ten minutes.
    """
    signing_keys: SigningKeys = request.app.state.signing_keys
    keys = await signing_keys.rotate(db)
    audit: Audit = request.app.state.audit
    await Acting.of(admin, client).record(audit, db, Action.KEYS_ROTATED, None)
    return KeyPage.of(keys)
