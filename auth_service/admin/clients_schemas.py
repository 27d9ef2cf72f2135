"""What the administration of service clients takes and gives."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from auth_service.clients.client import ClientWithSecret, StoredClient
from auth_service.clients.client_name import MAXIMUM_NAME_LENGTH
from auth_service.clients.scope import MAXIMUM_SCOPES, SCOPE_PATTERN
from auth_service.web.fields import Moment, RequestBody
from auth_service.web.pagination import Page, PageRequest

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "019b17d7-0dac-7549-bd4f-3506907d1583",
    "name": "orders",
    "scopes": ["orders:read", "orders:write"],
}


class NewClientRequest(RequestBody):
    """A new client's name and scopes."""

    model_config: ClassVar[Any] = {
        "json_schema_extra": {"examples": [{"name": "orders", "scopes": ["orders:read"]}]}
    }

    # The service's own rules check both, and name the fault better than a length would.
    name: Annotated[
        str,
        Field(
            description="1 to 100 printable characters; need not be unique.",
            json_schema_extra={"minLength": 1, "maxLength": MAXIMUM_NAME_LENGTH},
        ),
    ]
    scopes: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": SCOPE_PATTERN, "maxLength": 64})]],
        Field(
            description="What the client may ask for, 50 at most; `introspection` lets it ask "
            "whether tokens are good, `email` tells it the address by that.",
            json_schema_extra={"maxItems": MAXIMUM_SCOPES},
        ),
    ]


class NewSecretRequest(RequestBody):
    """What happens to the secret that the client uses until now."""

    end_previous: Annotated[
        bool,
        Field(
            strict=True,
            description="Refuse every older secret at once: for one that others may have.",
        ),
    ] = False


class ClientAnswer(BaseModel):
    """A service client, without its secret."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _EXAMPLE
                | {
                    "created_at": "2026-11-23T12:00:00.000000Z",
                    "secret_changed_at": "2026-11-23T12:00:00.000000Z",
                    "has_previous_secret": False,
                }
            ]
        }
    )

    id: UUID
    name: str
    scopes: list[str]
    created_at: Moment
    secret_changed_at: Moment
    has_previous_secret: Annotated[
        bool, Field(description="Whether the secret before the current one is good as well.")
    ]

    @classmethod
    def of(cls, client: StoredClient) -> "ClientAnswer":
        """The answer for a client."""
        return cls(
            id=client.id,
            name=client.name,
            scopes=client.scopes,
            created_at=client.created_at,
            secret_changed_at=client.secret_changed_at,
            has_previous_secret=client.previous_secret_hash is not None,
        )


class ClientPage(Page[ClientAnswer]):
    """Service clients, in the order they were made."""

    @classmethod
    def of(cls, clients: list[StoredClient], asked: PageRequest) -> "ClientPage":
        """The page of those that were read for it."""
        shown, next_cursor = asked.cut(clients)
        return cls(items=[ClientAnswer.of(client) for client in shown], next_cursor=next_cursor)


class ClientSecretAnswer(BaseModel):
    """A client and its new secret, which is shown this once and kept only as a hash."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_EXAMPLE | {"secret": "cs_wOK7e3vY2mXrZ0f1sQ9bTj4hLd8uNcGaPqV5iEoRk6M"}]
        }
    )

    id: UUID
    name: str
    scopes: list[str]
    secret: str

    @classmethod
    def of(cls, made: ClientWithSecret) -> "ClientSecretAnswer":
        """The answer for a client that was given a secret."""
        client = made.client
        return cls(id=client.id, name=client.name, scopes=client.scopes, secret=made.secret)
