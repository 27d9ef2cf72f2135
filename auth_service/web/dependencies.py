"""What routers of every package ask for: the transaction, the client, the settings."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.core.client import ClientInfo
from auth_service.db.session import Database
from auth_service.settings import Settings
from auth_service.web.cookies import device_cookie_name, read


async def get_transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's one transaction; it has committed before the answer leaves."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


async def get_client(request: Request) -> ClientInfo:
    """Where the request comes from."""
    return ClientInfo(
        ip=request.state.client_ip,
        user_agent=request.headers.get("user-agent"),
        request_id=request.state.request_id,
        device_cookie=read(request, device_cookie_name(request.app.state.settings)),
    )


async def get_settings(request: Request) -> Settings:
    """The settings the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


# scope="function": with FastAPI's default the commit would run after the client has its answer,
# and a commit that fails would go unheard.
RequestTransaction = Annotated[AsyncSession, Depends(get_transaction, scope="function")]
Client = Annotated[ClientInfo, Depends(get_client)]
AppSettings = Annotated[Settings, Depends(get_settings)]
