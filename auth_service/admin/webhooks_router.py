"""``/admin/webhooks``: where events are sent to."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from auth_service.admin.acting import Acting
from auth_service.admin.caller import ADMINISTRATOR, RECENTLY_LOGGED_IN, Administrator
from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.errors import ValidationFailed
from auth_service.identity.errors import Forbidden, InsufficientUserAuthentication
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.fields import Moment, RequestBody
from auth_service.web.pagination import Page, Paging
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.schemas import Accepted
from auth_service.web.strict_requests import JsonRoute
from auth_service.webhooks.addresses import MAXIMUM_URL
from auth_service.webhooks.errors import WebhookNotFound
from auth_service.webhooks.event_types import TYPES
from auth_service.webhooks.repository import StoredEndpoint
from auth_service.webhooks.service import EndpointWithSecret, Webhooks

router = APIRouter(
    prefix="/admin/webhooks",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)
_REFUSALS = (InvalidAccessToken, Forbidden, ValidationFailed, RateLimited)
_CHANGES = problems(*_REFUSALS, InsufficientUserAuthentication, WebhookNotFound)


async def get_webhooks(request: Request) -> Webhooks:
    """The use cases of webhooks."""
    webhooks: Webhooks = request.app.state.webhooks
    return webhooks


Hooks = Annotated[Webhooks, Depends(get_webhooks)]


class NewWebhookRequest(RequestBody):
    """Where to send events, and which."""

    model_config: ClassVar[Any] = {
        "json_schema_extra": {
            "examples": [{"url": "https://example.com/hooks", "events": ["user.created"]}]
        }
    }

    url: Annotated[str, Field(max_length=MAXIMUM_URL)]
    events: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": list(TYPES)})]] | None,
        Field(max_length=len(TYPES), description=f"All without it. Of {', '.join(TYPES)}."),
    ] = None


class WebhookAnswer(BaseModel):
    """An endpoint, without its secret."""

    id: UUID
    url: str
    events: list[str]
    created_at: Moment
    disabled_at: Annotated[
        Moment | None,
        Field(description="When it answered 410, or had failed for three days: it gets nothing."),
    ]
    failing_since: Annotated[
        Moment | None, Field(description="Since when no delivery was taken; null if the last was.")
    ]

    @classmethod
    def of(cls, endpoint: StoredEndpoint) -> "WebhookAnswer":
        """The answer for an endpoint."""
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            events=endpoint.events,
            created_at=endpoint.created_at,
            disabled_at=endpoint.disabled_at,
            failing_since=endpoint.failing_since,
        )


class WebhookSecretAnswer(BaseModel):
    """An endpoint and its new secret, which is shown this once."""

    id: UUID
    url: str
    events: list[str]
    secret: str

    @classmethod
    def of(cls, made: EndpointWithSecret) -> "WebhookSecretAnswer":
        """The answer for an endpoint that was given a secret."""
        endpoint = made.endpoint
        return cls(id=endpoint.id, url=endpoint.url, events=endpoint.events, secret=made.secret)


@router.get("", responses=problems(*_REFUSALS))
async def list_webhooks(
    db: RequestTransaction, webhooks: Hooks, asked: Paging
) -> Page[WebhookAnswer]:
    """The endpoints that events are sent to, in the order they were made."""
    found = await webhooks.list_page(db, after=asked.after, limit=asked.rows_to_read)
    shown, next_cursor = asked.cut(found)
    return Page(items=[WebhookAnswer.of(one) for one in shown], next_cursor=next_cursor)


@router.post(
    "",
    status_code=201,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(
        *_REFUSALS,
        MalformedBody,
        BodyTooLarge,
        UnsupportedMediaType,
        InsufficientUserAuthentication,
    ),
)
async def create_webhook(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    body: NewWebhookRequest,
    admin: Administrator,
    db: RequestTransaction,
    webhooks: Hooks,
    client: Client,
) -> WebhookSecretAnswer:
    """Have events sent to an endpoint. Its secret is in this answer and never to be had again.

    Deliveries are signed as Standard Webhooks has it. Needs a login of the last ten minutes.
    """
    made = await webhooks.create(db, body.url, body.events)
    await _record(request, db, Acting.of(admin, client), Action.WEBHOOK_CREATED, made.endpoint.id)
    return WebhookSecretAnswer.of(made)


@router.delete(
    "/{webhook_id}",
    status_code=204,
    response_class=Response,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=_CHANGES,
)
async def delete_webhook(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    webhook_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    webhooks: Hooks,
    client: Client,
) -> None:
    """Send an endpoint nothing more. Needs a login of the last ten minutes."""
    await webhooks.remove(db, webhook_id)
    await _record(request, db, Acting.of(admin, client), Action.WEBHOOK_DELETED, webhook_id)


@router.post("/{webhook_id}/secret", dependencies=[RECENTLY_LOGGED_IN], responses=_CHANGES)
async def change_webhook_secret(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    webhook_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    webhooks: Hooks,
    client: Client,
) -> WebhookSecretAnswer:
    """Give an endpoint a new secret, shown this once; the one before signs as well until the next.

    An endpoint that was disabled gets events again. Needs a login of the last ten minutes.
    """
    made = await webhooks.change_secret(db, webhook_id)
    by = Acting.of(admin, client)
    await _record(request, db, by, Action.WEBHOOK_SECRET_CHANGED, webhook_id)
    return WebhookSecretAnswer.of(made)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=_CHANGES,
)
async def test_webhook(webhook_id: UUID, db: RequestTransaction, webhooks: Hooks) -> Accepted:
    """Have a `ping` sent to an endpoint, to see whether it arrives.

    Needs a login of the last ten minutes.
    """
    await webhooks.ping(db, webhook_id)
    return Accepted()


async def _record(
    request: Request, db: RequestTransaction, by: Acting, action: Action, webhook_id: UUID
) -> None:
    audit: Audit = request.app.state.audit
    await by.record(audit, db, action, None, webhook=str(webhook_id))
