"""Every forgery meets every judge, who all refuse it, and all in one way.

The judges: `/users/me`, `/auth/validate`, `/oauth/introspect`, and the verifier in another service
that has the same keys. The forgeries: all bad conformance tokens, signed with the key that is live
here, and whatever chance makes of a good one.
"""

import shutil
import socket
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from string import ascii_letters, digits
from typing import Any, Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from scripts.conformance.token_maker import (
    CLAIMS,
    HEADER,
    STRANGER,
    base64url,
    claiming,
    headed,
    signed,
    without,
)
from tests.conformance.vectors import INVALID, VALID
from tests.conftest import PASSWORD
from tests.flows.service_tokens.conformance_issuer import DEAD, Judges, judging

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_PERSON_S: Final = {"service-client", "required-only"}
"""Good tokens, but of nobody who is logged in here."""
SPACE_AROUND: Final = {"space-before", "space-after", "line-break-after"}
"""No part of a header's value (RFC 9110 section 5.5), so no part of a token in a header."""
PROTECTED: Final = ["/users/me", "/auth/validate"]
GOOD: Final = signed()
ANOTHER: Final = "01900000-0000-7000-8000-00000000000f"


def each(cases: list[dict[str, Any]], *, but: Collection[str] = ()) -> pytest.MarkDecorator:
    """Run a test once for each of these conformance tokens."""
    wanted = [case for case in cases if case["id"] not in but]
    return pytest.mark.parametrize("case", wanted, ids=lambda case: case["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judges(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Judges]:
    path = tmp_path_factory.mktemp("forgeries") / "test.db"
    shutil.copy(sqlite_template, path)
    async with judging(f"sqlite+aiosqlite:///{path}") as found:
        yield found


# --- That there is something to forge ---


@pytest.mark.parametrize("path", PROTECTED)
@each(VALID, but=NO_PERSON_S)
async def test_a_good_token_of_a_person_opens_the_door(
    judges: Judges, path: str, case: dict[str, Any]
) -> None:
    assert (await judges.shown(path, case["token"])).status_code in {200, 204}


@each(VALID, but=NO_PERSON_S)
async def test_a_good_token_of_a_person_is_active(judges: Judges, case: dict[str, Any]) -> None:
    found = await judges.introspected(case["token"])
    assert (found["active"], found["username"]) == (True, "ada@example.com")


@each(VALID)
async def test_a_good_token_is_good_elsewhere(judges: Judges, case: dict[str, Any]) -> None:
    assert not await judges.is_refused_elsewhere(case["token"])


# --- Forgeries ---


@pytest.mark.parametrize("path", PROTECTED)
@each(INVALID, but=SPACE_AROUND)
async def test_a_forgery_opens_no_door(judges: Judges, path: str, case: dict[str, Any]) -> None:
    assert await judges.is_refused_at(path, case["token"])


@each(INVALID)
async def test_a_forgery_is_not_active(judges: Judges, case: dict[str, Any]) -> None:
    assert await judges.introspected(case["token"]) == DEAD


@each(INVALID)
async def test_a_forgery_is_refused_elsewhere(judges: Judges, case: dict[str, Any]) -> None:
    assert await judges.is_refused_elsewhere(case["token"])


NOT_OF_A_LIVE_SESSION = {
    "no session": signed(payload=without(CLAIMS, "sid")),
    "a session that never was": claiming(sid=ANOTHER),
    "a session that is no id": claiming(sid="x"),
    "somebody else": claiming(sub=ANOTHER),
    "nobody": claiming(sub="x"),
    "a service": claiming(client_id="reports"),
    "a service that does not exist": claiming(client_id=ANOTHER, sub=ANOTHER),
    "no client": signed(payload=without(CLAIMS, "client_id")),
}


@pytest.mark.parametrize("token", NOT_OF_A_LIVE_SESSION.values(), ids=NOT_OF_A_LIVE_SESSION)
async def test_what_only_the_service_can_sign_is_refused_here_where_nobody_is_behind_it(
    judges: Judges, token: str
) -> None:
    for path in PROTECTED:
        assert await judges.is_refused_at(path, token)
    assert await judges.introspected(token) == DEAD


async def test_the_payload_of_another_token_under_a_good_signature_is_refused(
    judges: Judges,
) -> None:
    header, payload, signature = GOOD.split(".")
    other_header, other, other_signature = claiming(jti="another").split(".")
    assert header == other_header
    for token in (f"{header}.{other}.{signature}", f"{header}.{payload}.{other_signature}"):
        assert await is_refused_by_all(judges, token)


async def test_a_refresh_token_is_no_access_token(judges: Judges) -> None:
    credentials = {"email": "grace@example.com", "password": PASSWORD}
    await judges.http.post("/auth/register", json=credentials)
    token = (await judges.http.post("/auth/login", json=credentials)).json()["refresh_token"]
    for path in PROTECTED:
        assert await judges.is_refused_at(path, token)
    assert await judges.is_refused_elsewhere(token)
    assert (await judges.introspected(token))["token_use"] == "refresh_token"


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_nothing_is_fetched_from_an_address_in_a_token(judges: Judges, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        for token in (headed(**{name: address}), signed(HEADER | {name: address}, key=STRANGER)):
            assert await is_refused_by_all(judges, token)
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_every_refusal_is_answered_alike_but_for_the_id_of_the_request(
    judges: Judges,
) -> None:
    answers = set()
    for case in INVALID:
        for path in PROTECTED:
            if case["id"] not in SPACE_AROUND:
                answer = await judges.shown(path, case["token"])
                answers.add(answer.text.replace(answer.headers["x-request-id"], "…"))
    assert len(answers) == 1


# --- Chance ---


async def is_refused_by_all(judges: Judges, token: str) -> bool:
    for path in PROTECTED:
        assert await judges.is_refused_at(path, token)
    assert await judges.introspected(token) == DEAD
    assert await judges.is_refused_elsewhere(token)
    return True


PLACES = st.integers(0, len(GOOD))
TEXTS = st.text(
    st.sampled_from(ascii_letters + digits + "-_.=+/ ") | st.characters(codec="utf-8"), max_size=5
)
PART = st.integers(0, 2)


def with_bit_flipped(token: str, part: int, place: int) -> str:
    """The token with one bit of one part's bytes changed, spelled canonically again."""
    parts = token.split(".")
    data = bytearray(urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4)))
    place %= len(data) * 8
    data[place // 8] ^= 1 << place % 8
    parts[part] = base64url(bytes(data))
    return ".".join(parts)


MUTATIONS = st.one_of(
    st.builds(lambda at, text: GOOD[:at] + text + GOOD[at:], PLACES, TEXTS),
    st.builds(lambda at, text: GOOD[:at] + text + GOOD[at + len(text) :], PLACES, TEXTS),
    st.builds(lambda at, length: GOOD[:at] + GOOD[at + length :], PLACES, st.integers(1, 300)),
    st.builds(lambda at, end: GOOD[min(at, end) : max(at, end)], PLACES, PLACES),
    st.builds(with_bit_flipped, st.just(GOOD), PART, st.integers(0, 1 << 14)),
    st.permutations(GOOD.split(".")).map(".".join),
    st.lists(st.binary(max_size=60).map(base64url), min_size=1, max_size=5).map(".".join),
    TEXTS,
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(token=MUTATIONS)
async def test_whatever_chance_makes_of_a_good_token_is_refused_by_all(
    judges: Judges, token: str
) -> None:
    # A header is read as Latin-1, and the space around its value is no part of it.
    assume(GOOD not in {token, token.encode().decode("latin-1").strip()})
    assert await is_refused_by_all(judges, token)
