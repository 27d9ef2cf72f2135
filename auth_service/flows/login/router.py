"""``POST /auth/login``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from auth_service.core.errors import ValidationFailed
from auth_service.flows.login.errors import EmailNotVerified, InvalidCredentials
from auth_service.flows.login.schemas import LoginRequest
from auth_service.flows.login.service import LoggedIn, Login
from auth_service.methods.password.errors import Busy
from auth_service.sessions import cookie
from auth_service.sessions.delivery import deliver
from auth_service.sessions.schemas import TokenAnswer
from auth_service.settings import Settings
from auth_service.throttle.known_devices import DEVICE_TTL
from auth_service.web.cookies import put_device
from auth_service.web.dependencies import AppSettings, Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited, limited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(prefix="/auth", tags=["people"], route_class=JsonRoute)


async def get_login(request: Request) -> Login:
    """The use cases of logging in."""
    login: Login = request.app.state.login
    return login


@router.post(
    "/login",
    response_model_exclude_none=True,
    dependencies=[Depends(limited("login"))],
    responses=problems(
        MalformedBody,
        InvalidCredentials,
        EmailNotVerified,
        BodyTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        RateLimited,
        Busy,
    ),
)
async def log_in(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    body: LoginRequest,
    response: Response,
    db: RequestTransaction,
    login: Annotated[Login, Depends(get_login)],
    client: Client,
    settings: AppSettings,
) -> TokenAnswer:
    """Log in with an address and its password.

    With `"delivery": "cookie"` the refresh token comes as an `HttpOnly` cookie instead of in the
    body; `POST /auth/refresh` and `POST /auth/logout` then need no body.

    Wrong passwords in a row make the address wait, whoever tries. The cookie that a login sets
    tells this browser from strangers, who then cannot make its owner wait. The session of a refresh
    cookie that comes with the request ends.
    """
    logged_in = await login.with_password(
        db,
        body.email,
        body.password,
        client,
        replaced=cookie.find_of_own_page(request, settings),
    )
    answer = deliver(
        logged_in.tokens,
        response,
        by_cookie=body.delivery == "cookie",
        settings=settings,
        is_breached=logged_in.is_breached,
    )
    remember_device(request, response, logged_in, settings)
    return answer


def remember_device(
    request: Request, response: Response, logged_in: LoggedIn, settings: Settings
) -> None:
    """Have the browser keep what tells it from a stranger's, for its next logins."""
    put_device(
        request,
        response,
        logged_in.device_cookie,
        max_age=int(DEVICE_TTL.total_seconds()),
        settings=settings,
    )
