"""Keys are fetched when they are needed, once for everybody, and rarely whatever arrives."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from auth_service.verifier import (
    AccessClaims,
    InvalidTokenError,
    KeysUnavailableError,
    TokenVerifier,
)
from tests.verifier.conftest import NewVerifier, Ticks, settle
from tests.verifier.loopback_issuer import KEY, IssuerKey, LoopbackIssuer, until
from tests.verifier.token_maker import HEADER, token

CALLERS = 200
THREADS = 50


def refused_by(verifier: TokenVerifier, text: str) -> str:
    with pytest.raises(InvalidTokenError) as refusal:
        verifier.verify_sync(text)
    return refusal.value.check


def under(kid: str) -> str:
    return token(HEADER | {"kid": kid})


async def test_a_token_is_verified_with_the_published_key(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    claims = await verifier.verify(KEY.token(roles=["user"]))
    assert (claims.subject, claims.roles) == ("somebody", ("user",))
    assert [(r.method, r.path) for r in issuer.requests] == [("GET", "/.well-known/jwks.json")]


def test_a_token_is_verified_without_an_event_loop(verifier: TokenVerifier) -> None:
    assert verifier.verify_sync(KEY.token()).subject == "somebody"


def test_nothing_is_fetched_before_the_first_token(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    assert not verifier.can_introspect
    assert issuer.fetches == 0


async def test_any_number_of_waiting_callers_cause_one_fetch(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.gate.clear()
    waiting = [
        asyncio.create_task(verifier.verify(KEY.token(jti=f"{number}")))
        for number in range(CALLERS)
    ]
    await asyncio.to_thread(issuer.until_asked)
    issuer.gate.set()
    found = await asyncio.gather(*waiting)
    assert [claims.token_id for claims in found] == [f"{number}" for number in range(CALLERS)]
    assert issuer.fetches == 1


def test_any_number_of_waiting_threads_cause_one_fetch(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.gate.clear()
    together = threading.Barrier(THREADS)

    def verify(number: int) -> AccessClaims:
        together.wait()
        return verifier.verify_sync(KEY.token(jti=f"{number}"))

    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(verify, number) for number in range(THREADS)]
        issuer.until_asked()
        issuer.gate.set()
        found = [claims.result() for claims in waiting]
    assert len({claims.token_id for claims in found}) == THREADS
    assert issuer.fetches == 1


def test_threads_and_event_loops_share_one_fetch(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.gate.clear()

    async def several() -> list[AccessClaims]:
        return await asyncio.gather(*(verifier.verify(KEY.token()) for _ in range(5)))

    with ThreadPoolExecutor(8) as pool:
        loops = [pool.submit(asyncio.run, several()) for _ in range(4)]
        plain = [pool.submit(verifier.verify_sync, KEY.token()) for _ in range(4)]
        issuer.until_asked()
        issuer.gate.set()
        assert all(len(loop.result()) == 5 for loop in loops)
        assert all(claims.result().subject == "somebody" for claims in plain)
    assert issuer.fetches == 1


async def test_a_caller_who_gives_up_cancels_nothing_for_the_others(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.gate.clear()
    impatient, patient = (asyncio.create_task(verifier.verify(KEY.token())) for _ in range(2))
    await asyncio.to_thread(issuer.until_asked)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    issuer.gate.set()
    assert (await patient).subject == "somebody"
    assert issuer.fetches == 1


def test_an_event_loop_that_ends_meanwhile_harms_nobody(
    verifier: TokenVerifier, issuer: LoopbackIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.gate.clear()

    async def impatient() -> None:
        async with asyncio.timeout(0.05):
            await verifier.verify(KEY.token())

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    issuer.gate.set()
    assert verifier.verify_sync(KEY.token()).subject == "somebody"
    assert (issuer.fetches, caplog.records) == (1, [])


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "a.b.c",
        "x" * 9000,
        token(HEADER | {"alg": "none", "kid": "unknown"}),
        token(HEADER | {"typ": "JWT", "kid": "unknown"}),
        token(HEADER | {"jku": "http://127.0.0.1:1/", "kid": "unknown"}),
        under("unknown")[:-1],
    ],
    ids=["nothing", "form", "size", "alg", "typ", "jku", "signature"],
)
def test_no_fetch_is_spent_on_garbage(
    verifier: TokenVerifier, issuer: LoopbackIssuer, garbage: str
) -> None:
    assert refused_by(verifier, garbage) != "kid"
    assert issuer.fetches == 0


def test_a_new_key_is_fetched_when_the_first_token_names_it(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    verifier.verify_sync(KEY.token())
    new = IssuerKey("new")
    issuer.publish(KEY, new)
    ticks.advance(5)
    assert verifier.verify_sync(new.token()).subject == "somebody"
    assert issuer.fetches == 2


def test_unknown_keys_cause_one_fetch_per_cooldown(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    for number in range(20):
        assert refused_by(verifier, under(f"unknown-{number}")) == "kid"
    assert issuer.fetches == 1
    ticks.advance(4.9)
    assert refused_by(verifier, under("unknown")) == "kid"
    assert issuer.fetches == 1
    ticks.advance(0.1)
    for number in range(20):
        assert refused_by(verifier, under(f"another-{number}")) == "kid"
    assert issuer.fetches == 2


async def test_a_storm_of_unknown_keys_causes_one_fetch(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    found = await asyncio.gather(
        *(verifier.verify(under(f"{number}")) for number in range(CALLERS)),
        return_exceptions=True,
    )
    assert {getattr(refusal, "check", None) for refusal in found} == {"kid"}
    assert issuer.fetches == 1


def test_known_keys_serve_while_unknown_ones_are_looked_for(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    verifier.verify_sync(KEY.token())
    ticks.advance(5)
    issuer.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(refused_by, verifier, under("unknown"))
        issuer.until_asked(2)
        assert verifier.verify_sync(KEY.token(jti="another")).token_id == "another"
        assert not unknown.done()
        issuer.gate.set()
        assert unknown.result() == "kid"


def test_fetches_that_fail_are_no_more_frequent(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.status = 500
    for _ in range(20):
        with pytest.raises(KeysUnavailableError):
            verifier.verify_sync(KEY.token())
    assert issuer.fetches == 1
    ticks.advance(5)
    for _ in range(20):
        with pytest.raises(KeysUnavailableError):
            verifier.verify_sync(KEY.token())
    assert issuer.fetches == 2


def test_without_keys_nothing_is_said_of_a_token_but_when_to_come_again(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.status = 500
    with pytest.raises(KeysUnavailableError, match="status 500") as unavailable:
        verifier.verify_sync(KEY.token())
    assert unavailable.value.retry_after == 5
    ticks.advance(3.5)
    with pytest.raises(KeysUnavailableError) as unavailable:
        verifier.verify_sync(KEY.token())
    assert unavailable.value.retry_after == 2


def test_an_issuer_that_comes_back_is_believed(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.status = 503
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(KEY.token())
    issuer.status = 200
    ticks.advance(5)
    assert verifier.verify_sync(KEY.token()).subject == "somebody"


def test_a_failed_fetch_is_logged_with_its_reason(
    verifier: TokenVerifier, issuer: LoopbackIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.status = 502
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(KEY.token())
    assert caplog.messages == ["the issuer's keys could not be fetched: answered with status 502"]


def test_where_no_thread_can_start_the_fetch_has_failed(
    verifier: TokenVerifier, issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch, ticks: Ticks
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(KeysUnavailableError, match="can't start new thread"):
            verifier.verify_sync(KEY.token())
    ticks.advance(5)
    assert verifier.verify_sync(KEY.token()).subject == "somebody"


def test_one_verifier_s_trouble_is_not_another_s(
    new_verifier: NewVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.status = 500
    unlucky, lucky = new_verifier(), new_verifier()
    with pytest.raises(KeysUnavailableError):
        unlucky.verify_sync(KEY.token())
    issuer.status = 200
    assert lucky.verify_sync(KEY.token()).subject == "somebody"
    until(lambda: issuer.fetches == 2)
    settle(lucky)
