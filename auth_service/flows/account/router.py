"""``/users/me``: one's own account."""

from fastapi import APIRouter

from auth_service.identity.current_user import CurrentUser
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.users.schemas import UserAnswer
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(prefix="/users", tags=["account"], route_class=JsonRoute)


@router.get("/me", responses=problems(InvalidAccessToken, RateLimited))
async def get_current_user(user: CurrentUser) -> UserAnswer:
    """The account that the access token belongs to."""
    return UserAnswer.of(user.account)
