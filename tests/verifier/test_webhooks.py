"""Webhooks as their receiver verifies them."""

import pytest

from auth_service.verifier import InvalidWebhookError, verify_webhook
from auth_service.webhooks.signing import new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
# From the specification of Standard Webhooks.
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def refusal(body: bytes = BODY, now: float = 1614265330, **changes: str) -> str:
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changes.items()}
    with pytest.raises(InvalidWebhookError) as refused:
        verify_webhook(headers, body, secrets=[SECRET], clock=lambda: now)
    return refused.value.check


def test_the_example_of_the_specification_is_good() -> None:
    event = verify_webhook(HEADERS, BODY, secrets=[SECRET], clock=lambda: 1614265330)
    assert event == {"test": 2432232314}


def test_names_of_headers_are_of_any_case_and_any_good_signature_counts() -> None:
    headers = {name.title(): value for name, value in HEADERS.items()}
    headers["Webhook-Signature"] = f"v1,AAAA v1a,x {headers['Webhook-Signature']}"
    secrets = [new_secret(), SECRET]
    assert verify_webhook(headers, BODY, secrets=secrets, clock=lambda: 1614265330)


@pytest.mark.parametrize("name", list(HEADERS))
def test_without_one_of_its_headers_it_is_refused(name: str) -> None:
    headers = {other: value for other, value in HEADERS.items() if other != name}
    with pytest.raises(InvalidWebhookError):
        verify_webhook(headers, BODY, secrets=[SECRET], clock=lambda: 1614265330)


@pytest.mark.parametrize("timestamp", ["-1", "1.5", "x", "\u0661", "1" * 13])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    assert refusal(webhook_timestamp=timestamp) == "headers"


def test_what_was_changed_is_refused() -> None:
    assert refusal(BODY + b" ") == "signature"
    assert refusal(webhook_id="msg_other") == "signature"
    assert refusal(webhook_timestamp="1614265331") == "signature"
    assert refusal(webhook_signature="v1,é") == "signature"


@pytest.mark.parametrize("off", [-301, 301])
def test_what_is_old_or_from_the_future_is_refused(off: int) -> None:
    assert refusal(now=1614265330 + off) == "timestamp"


@pytest.mark.parametrize("body", [b"[]", b"no json", b""])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    headers = signed_headers([SECRET], "msg", 1614265330, body)
    with pytest.raises(InvalidWebhookError, match="body"):
        verify_webhook(headers, body, secrets=[SECRET], clock=lambda: 1614265330)


def test_a_secret_that_is_none_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(HEADERS, BODY, secrets=["not base64!"])
