"""Passwords that are tried for an address, from somewhere."""

import httpx
from fastapi import FastAPI

from tests.conftest import client_of

ADA = "ada@example.com"
NOBODY = "nobody@example.com"


async def guess(
    app: FastAPI,
    email: str,
    password: str = "wrong",  # noqa: S107 - nobody's
    *,
    ip: str = "198.51.100.7",
    device: str | None = None,
) -> httpx.Response:
    """One try, by a browser that keeps nothing but ``device``, where that is given."""
    headers = {} if device is None else {"Cookie": f"__Host-device={device}"}
    async with client_of(app, peer=(ip, 40000)) as client:
        return await client.post(
            "/auth/login", json={"email": email, "password": password}, headers=headers
        )


async def guesses(
    app: FastAPI, email: str, times: int, *, ip: str = "198.51.100.7", device: str | None = None
) -> list[int]:
    """The statuses of so many wrong ones."""
    answers = [await guess(app, email, ip=ip, device=device) for _ in range(times)]
    return [answer.status_code for answer in answers]
