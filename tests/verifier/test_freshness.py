"""Keys grow old: fetched anew meanwhile, then first, and relied on for a day at the most."""

import asyncio

import pytest

from auth_service.verifier import InvalidTokenError, KeysUnavailableError, TokenVerifier
from tests.verifier.conftest import NewVerifier, Ticks, settle
from tests.verifier.loopback_issuer import KEY, IssuerKey, LoopbackIssuer, with_etag

DAY = 86_400
# Long enough for tokens to outlive every age of the keys.
LASTING = KEY.token(exp=2_000_000_000)
OTHER = IssuerKey("other")


def refused_by(verifier: TokenVerifier, text: str) -> str:
    with pytest.raises(InvalidTokenError) as refusal:
        verifier.verify_sync(text)
    return refusal.value.check


def ready(verifier: TokenVerifier) -> TokenVerifier:
    verifier.verify_sync(LASTING)
    return verifier


def test_fresh_keys_are_not_asked_for_again(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    ticks.advance(299)
    verifier.verify_sync(LASTING)
    verifier.verify_sync(KEY.token(jti="another"))
    assert issuer.fetches == 1


def test_stale_keys_serve_while_they_are_fetched_anew(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.gate.clear()
    ticks.advance(300)
    for _ in range(10):
        assert verifier.verify_sync(LASTING).subject == "somebody"
    issuer.until_asked(2)
    assert verifier._keys._under_way is not None, "it has been waited for"
    issuer.gate.set()
    settle(verifier)
    assert issuer.fetches == 2


@pytest.mark.parametrize(
    ("cache_control", "fresh_for"),
    [
        ("max-age=120", 120),
        ("public, max-age=120, must-revalidate", 120),
        ('MAX-AGE="120"', 120),
        ("s-maxage=120", 300),
        ("max-age=1", 30),
        ("max-age=0", 30),
        ("no-store", 30),
        ("max-age=600, no-cache", 30),
        ("max-age=999999999", 3600),
        ("max-age=-5", 300),
        ("max-age=soon", 300),
        ("", 300),
    ],
)
def test_keys_are_fresh_as_long_as_the_issuer_says_within_bounds(
    verifier: TokenVerifier,
    issuer: LoopbackIssuer,
    ticks: Ticks,
    cache_control: str,
    fresh_for: int,
) -> None:
    issuer.headers["Cache-Control"] = cache_control
    ready(verifier)
    ticks.advance(fresh_for - 0.5)
    verifier.verify_sync(LASTING)
    assert issuer.fetches == 1
    ticks.advance(0.5)
    verifier.verify_sync(LASTING)
    issuer.until_asked(2)
    settle(verifier)


def test_what_a_proxy_has_kept_is_fresh_for_the_rest_only(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.headers["Age"] = "200"
    ready(verifier)
    ticks.advance(100)
    verifier.verify_sync(LASTING)
    issuer.until_asked(2)
    settle(verifier)


def test_where_the_issuer_does_not_say_the_verifier_s_own_time_counts(
    new_verifier: NewVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.headers = {}
    verifier = ready(new_verifier(ttl=60))
    ticks.advance(60)
    verifier.verify_sync(LASTING)
    issuer.until_asked(2)
    settle(verifier)


def test_keys_twice_as_old_are_fetched_first(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.publish(OTHER)
    ticks.advance(600)
    assert refused_by(verifier, LASTING) == "kid"


async def test_keys_twice_as_old_are_fetched_once_for_everybody(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    await verifier.verify(LASTING)
    ticks.advance(600)
    await asyncio.gather(*(verifier.verify(LASTING) for _ in range(50)))
    assert issuer.fetches == 2


def test_known_keys_go_on_serving_while_the_issuer_is_down(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.status = 503
    for _ in range(30):
        ticks.advance(600)
        assert verifier.verify_sync(LASTING).subject == "somebody"
        assert verifier.verify_sync(KEY.token(exp=2_000_000_000, jti="x")).token_id == "x"
        settle(verifier)
    assert 15 < issuer.fetches <= 31


def test_after_one_wait_in_vain_nobody_waits_for_a_while(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.status = 503
    ticks.advance(600)
    verifier.verify_sync(LASTING)
    assert issuer.fetches == 2
    issuer.gate.clear()
    ticks.advance(100)
    assert verifier.verify_sync(LASTING).subject == "somebody"
    issuer.until_asked(3)
    assert verifier._keys._under_way is not None, "it has been waited for"


def test_keys_serve_no_longer_than_the_longest_staleness(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.status = 503
    ticks.advance(DAY - 1)
    assert verifier.verify_sync(LASTING).subject == "somebody"
    ticks.advance(1)
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(LASTING)
    ticks.advance(5)
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(LASTING)


def test_the_longest_staleness_can_be_set(
    new_verifier: NewVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    verifier = ready(new_verifier(longest_staleness=60))
    issuer.status = 503
    ticks.advance(60)
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(LASTING)


def test_a_removed_key_takes_its_remembered_tokens_along(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.publish(OTHER)
    ticks.advance(300)
    verifier.verify_sync(LASTING)
    issuer.until_asked(2)
    settle(verifier)
    assert refused_by(verifier, LASTING) == "kid"


def test_a_key_replaced_under_its_name_takes_its_remembered_tokens_along(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    issuer.publish(IssuerKey(KEY.kid))
    ticks.advance(300)
    verifier.verify_sync(LASTING)
    issuer.until_asked(2)
    settle(verifier)
    assert refused_by(verifier, LASTING) == "signature"


def test_a_token_judged_under_keys_that_are_gone_meanwhile_is_not_remembered(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ready(verifier)
    old = verifier._keys.get()
    issuer.publish(OTHER)
    ticks.advance(600)
    verifier.verify_sync(OTHER.token(exp=2_000_000_000))
    old.verified.remember("late", verifier.verify_sync(OTHER.token(exp=2_000_000_000)))
    assert verifier._keys.get().verified.find("late", ticks.clock()) is None


def test_a_new_key_beside_the_old_one_forgets_nothing(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    claims = verifier.verify_sync(LASTING)
    issuer.publish(KEY, OTHER)
    ticks.advance(600)
    assert verifier.verify_sync(OTHER.token(exp=2_000_000_000)).subject == "somebody"
    assert verifier.verify_sync(LASTING) is claims


def test_a_token_seen_before_is_found_and_not_verified_again(verifier: TokenVerifier) -> None:
    assert verifier.verify_sync(LASTING) is verifier.verify_sync(LASTING)


def test_a_remembered_token_is_refused_from_the_second_it_expires(
    verifier: TokenVerifier, ticks: Ticks
) -> None:
    text = KEY.token()
    ticks.advance(0.5)
    verifier.verify_sync(text)
    ticks.advance(899.4)
    assert verifier.verify_sync(text).subject == "somebody"
    ticks.advance(0.1)
    assert refused_by(verifier, text) == "exp"


def test_nothing_is_remembered_where_there_is_no_room(new_verifier: NewVerifier) -> None:
    verifier = new_verifier(cache_size=0)
    assert verifier.verify_sync(LASTING) is not verifier.verify_sync(LASTING)


def test_what_has_not_changed_is_not_sent_again(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.answer = with_etag(issuer, 'W/"one"')
    claims = verifier.verify_sync(LASTING)
    ticks.advance(300)
    verifier.verify_sync(LASTING)
    issuer.until_asked(2)
    settle(verifier)
    assert verifier.verify_sync(LASTING) is claims
    assert [r.headers.get("If-None-Match") for r in issuer.requests] == [None, 'W/"one"']
    ticks.advance(299)
    verifier.verify_sync(LASTING)
    assert issuer.fetches == 2, "a 304 makes keys fresh as well"


def test_what_has_changed_is_known_by_its_new_tag(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    issuer.answer = with_etag(issuer, '"one"')
    ready(verifier)
    issuer.publish(OTHER)
    issuer.answer = with_etag(issuer, '"two"')
    for _ in range(2):
        ticks.advance(600)
        assert refused_by(verifier, LASTING) == "kid"
        ticks.advance(5)
    sent = [r.headers.get("If-None-Match") for r in issuer.requests]
    assert sent[:3] == [None, '"one"', '"two"']


@pytest.mark.parametrize("etag", ["plain", '"\xe9"', '"' + "x" * 500 + '"', '"a" "b"', ""])
def test_a_tag_that_is_none_is_not_sent_back(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks, etag: str
) -> None:
    issuer.headers["ETag"] = etag
    ready(verifier)
    ticks.advance(600)
    verifier.verify_sync(LASTING)
    assert issuer.requests[1].headers.get("If-None-Match") is None


def test_not_modified_is_no_answer_to_who_knows_nothing(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.status, issuer.body = 304, b""
    with pytest.raises(KeysUnavailableError, match="status 304"):
        verifier.verify_sync(LASTING)
