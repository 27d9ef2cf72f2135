"""Whatever is sent to a running server: a refusal in the right form, never a 500, never an echo."""

import asyncio
import json
import os
import socket
import struct
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import PASSWORD, SECRET, new_postgresql_database
from tests.running_server import RunningServer, serving
from tests.web.raw_client import RawConnection, chunked, connected, request

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.postgresql]

MARKER = b"MARKERmarker"
LIMIT = 16 * 1024
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FIELDS = {
    "/auth/register": ("email", "password"),
    "/auth/login": ("email", "password", "delivery"),
    "/auth/refresh": ("refresh_token",),
    "/auth/logout": ("refresh_token",),
}
PATHS = list(FIELDS)
OAUTH_PATHS = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"]
GOOD = {
    "email": b'"grace@example.com"',
    "password": json.dumps(PASSWORD).encode(),
    "delivery": b'"body"',
    "refresh_token": b'"rt_unknown"',
}
VALUES = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "minus Infinity": b"-Infinity",
    "1e999": b"1e999",
    "-1e999": b"-1e999",
    "5,000 digits": b"9" * 5000,
    "4,000 digits": b"9" * 4000,
    "0.1e-5000": b"0.1e-5000",
    "true": b"true",
    "null": b"null",
    "a list": b'["%b"]' % MARKER,
    "an object": b'{"%b":"%b"}' % (MARKER, MARKER),
    "first half of a pair": b'"%b\\ud800"' % MARKER,
    "second half of a pair": b'"\\udfff%b"' % MARKER,
    "a pair the wrong way round": b'"\\udc00\\ud800%b"' % MARKER,
    "half a pair as a name": b'{"\\ud800%b":1}' % MARKER,
    "U+0000": b'"%b\\u0000"' % MARKER,
    "U+0000 as a name": b'{"%b\\u0000":1}' % MARKER,
    "raw NUL": b'"%b\0"' % MARKER,
    "raw line break": b'"%b\n"' % MARKER,
    "raw FF": b'"%b\xff"' % MARKER,
    "overlong NUL": b'"%b\xc0\x80"' % MARKER,
    "surrogate in UTF-8": b'"%b\xed\xa0\x80"' % MARKER,
    "beyond Unicode": b'"%b\xf4\x90\x80\x80"' % MARKER,
    "cut off": b'"%b\xe2\x82"' % MARKER,
    "unknown escape": b'"%b\\x00"' % MARKER,
    "100 lists": b"[" * 100 + b'"%b"' % MARKER + b"]" * 100,
    "5,000 lists": b"[" * 5000 + b"]" * 5000,
    "2,000 objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "5,000 open lists": b"[" * 5000,
    "very long": b'"%b"' % (MARKER * 1000),
    "emoji": '"👩‍👩‍👧‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿MARKERmarker"'.encode(),
    "right to left": '"\u202eMARKERmarker كلمة سر"'.encode(),
    "combining": ('"MARKERmarker' + "z\u0301\u0327\u0308" * 60 + '"').encode(),
    "one letter that is eighteen": ('"' + "\ufdfa" * 60 + '@example.com"').encode(),
    "noncharacters": '"MARKERmarker\ufffe\uffff\U0010ffff"'.encode(),
    "controls": b'"%b\\u0007\\u001b\\u007f\\u0085"' % MARKER,
    "empty": b'""',
    "spaces": b'"   "',
    "address with U+0000": b'"%b\\u0000@example.com"' % MARKER,
    "address in half a pair": b'"%b\\ud83d@example.com"' % MARKER,
    "address with a line break": b'"%b@example.com\\r\\nBcc: x@example.com"' % MARKER,
    "address on a number": b'"%b@[127.0.0.1]"' % MARKER,
    "refresh token of nothing": b'"rt_"',
    "refresh token beyond ASCII": '"rt_ÄÖÜ-MARKERmarker"'.encode(),
    "refresh token of zeros": b'"rt_%b"' % (b"A" * 66),
}
BODIES = {
    "empty": b"",
    "a space": b" ",
    "null": b"null",
    "a list": b'["%b"]' % MARKER,
    "a string": b'"%b"' % MARKER,
    "a number": b"7",
    "a huge number": b"7" * 5000,
    "true": b"true",
    "NaN": b"NaN",
    "half an object": b'{"%b":' % MARKER,
    "an empty object": b"{}",
    "two objects": b'{} {"%b":1}' % MARKER,
    "a comment": b"{} // %b" % MARKER,
    "single quotes": b"{'%b': 1}" % MARKER,
    "a byte order mark": b'\xef\xbb\xbf{"%b":1}' % MARKER,
    "UTF-16": '{"email":"MARKERmarker"}'.encode("utf-16"),
    "UTF-16 without mark": '{"email":"MARKERmarker"}'.encode("utf-16-le"),
    "UTF-32": '{"email":"MARKERmarker"}'.encode("utf-32"),
    "an unknown name": b'{"%b":1}' % MARKER,
    "an unknown name with U+0000 below": b'{"%b":"\\u0000"}' % MARKER,
    "an unknown name with half a pair below": b'{"%b":["\\ud800"]}' % MARKER,
    "names like attributes": b'{"__class__":"%b","__proto__":{}}' % MARKER,
    "5,000 lists": b"[" * 5000 + b"]" * 5000,
    "2,000 objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "2,000 names": b"{" + b",".join(b'"n%d":1' % n for n in range(1200)) + b"}",
    "only NUL": b"\0" * 100,
    "random bytes": bytes(range(256)),
}
OTHER_CONTENT_TYPES: list[str | bytes] = [
    "",
    ";",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/jsonp",
    "application/json, text/plain",
    "application/json; charset=utf-16",
    "application/json; charset=MARKERmarker",
    "application/json; charset*=utf-8''utf-16",
    "application/json; charset*0*=utf-8''utf-; charset*1=16",
    b"\xff",
]
WITH_ODD_PARAMETERS: list[str | bytes] = [
    b"application/json; charset=\xff\xfe",
    "application/json; charset*=MARKERmarker''%ff%fe",
    "application/json; charset=",
    "application/json; charset*0=utf-; charset*00=8; charset*x=y",
    'application/json; charset="utf-8',
    "application/json; =; ==; charset",
    b"application/json" + b";a=b" * 2000,
]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with new_postgresql_database(f"auth_test_bad_input_{os.getpid()}") as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """One server for all of it: nothing sent to it may do it any harm."""
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": database,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_RATE_LIMIT_LOGIN": "1000000/minute",
        "AUTH_RATE_LIMIT_ANONYMOUS": "1000000/minute",
        "AUTH_CORS_ORIGINS": "https://app.example.com",
        "AUTH_METRICS_TOKEN": "metrics",
    }
    folder: Path = tmp_path_factory.mktemp("server")
    async with serving(environment, folder=folder) as started:
        yield started
    assert b"Traceback" not in started.log, started.log.decode(errors="replace")


async def offenders(
    server: RunningServer, requests: Iterable[tuple[str, bytes]], *, oauth: bool = False
) -> list[str]:
    """Send them one after the other, on one connection as long as it lasts; tell what went wrong.

    A server that closes a connection has to say so; any other has to be usable afterwards.
    """
    found: list[str] = []
    waiting = list(requests)
    assert waiting
    while waiting:
        async with connected(server.port) as connection:
            while waiting:
                name, raw = waiting.pop(0)
                closes, faults = await _send(connection, raw, oauth=oauth)
                found.extend(f"{name}: {fault}" for fault in faults)
                if closes:
                    break
    return found


async def _send(connection: RawConnection, raw: bytes, *, oauth: bool) -> tuple[bool, list[str]]:
    try:
        answer = await connection.send(raw, head=raw.startswith(b"HEAD"))
        faults = answer.faults(oauth=oauth, marker=MARKER)
        if answer.headers.get("connection") == "close":
            return True, faults
        if not await connection.is_usable():
            faults.append("the connection is not usable afterwards")
    except Exception as fault:  # noqa: BLE001 - whatever happens is an offence of this request
        return True, [f"no answer: {fault!r}"]
    return False, faults


def fields(path: str, **values: bytes) -> bytes:
    """The body of a route with some fields replaced."""
    members = {name: GOOD[name] for name in FIELDS[path]} | values
    return b"{" + b",".join(b'"%b":%b' % (n.encode(), v) for n, v in members.items()) + b"}"


def post(path: str, body: bytes, content_type: str | bytes = JSON) -> bytes:
    return request("POST", path, body, Content_Type=content_type)


@pytest.mark.parametrize("path", PATHS)
async def test_no_value_of_any_field_breaks_anything(server: RunningServer, path: str) -> None:
    cases = [
        (f"{field} = {name}", post(path, fields(path, **{field: value})))
        for field in FIELDS[path]
        for name, value in VALUES.items()
    ]
    assert await offenders(server, cases) == []


@pytest.mark.parametrize("path", PATHS)
async def test_no_body_breaks_anything(server: RunningServer, path: str) -> None:
    cases = [(name, post(path, body)) for name, body in BODIES.items()]
    assert await offenders(server, cases) == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_name_that_stands_twice_is_malformed(server: RunningServer, path: str) -> None:
    async with connected(server.port) as connection:
        for field in FIELDS[path]:
            twice = fields(path)[:-1] + b',"%b":"%b"}' % (field.encode(), MARKER)
            answer = await connection.send(post(path, twice))
            assert (answer.status, json.loads(answer.body)["code"]) == (400, "malformed_body")
            assert MARKER not in answer.body


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_of_another_content_type_is_not_read(server: RunningServer, path: str) -> None:
    async with connected(server.port) as connection:
        for content_type in OTHER_CONTENT_TYPES:
            answer = await connection.send(post(path, fields(path), content_type))
            assert (content_type, answer.status) == (content_type, 415)
            assert answer.faults(oauth=False, marker=MARKER) == []


@pytest.mark.parametrize("path", PATHS)
async def test_odd_parameters_of_a_content_type_break_nothing(
    server: RunningServer, path: str
) -> None:
    cases = [(str(odd), post(path, fields(path), odd)) for odd in WITH_ODD_PARAMETERS]
    assert await offenders(server, cases) == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_without_content_type_is_not_read(server: RunningServer, path: str) -> None:
    async with connected(server.port) as connection:
        assert (await connection.send(request("POST", path, fields(path)))).status == 415


@pytest.mark.parametrize("path", [*PATHS, *OAUTH_PATHS])
async def test_a_body_over_16_kib_is_413_with_and_without_its_length(
    server: RunningServer, path: str
) -> None:
    body = b'{"email":"%b' % MARKER + b"a" * LIMIT
    media_type = FORM if path.startswith("/oauth") else JSON
    for large in (body[: LIMIT + 1], body[:LIMIT] * 4):
        async with connected(server.port) as connection:
            known = await connection.send(post(path, large, media_type))
            assert known.status == 413
            assert known.faults(oauth=path.startswith("/oauth"), marker=MARKER) == []
        async with connected(server.port) as connection:
            raw = request(
                "POST",
                path,
                chunked(large),
                Content_Type=media_type,
                Transfer_Encoding="chunked",
            )
            unknown = await connection.send(raw)
            assert unknown.status == 413
            assert unknown.faults(oauth=path.startswith("/oauth"), marker=MARKER) == []


async def test_a_body_of_exactly_16_kib_is_read(server: RunningServer) -> None:
    body = fields("/auth/logout")
    async with connected(server.port) as connection:
        answer = await connection.send(post("/auth/logout", body.ljust(LIMIT)))
        assert answer.status == 204


async def test_no_form_breaks_the_token_endpoint(server: RunningServer) -> None:
    login = b"grant_type=password&username=grace%%40example.com&password=%b"
    values = [value.strip(b'"') for value in VALUES.values()]
    forms = [
        b"",
        b"%b" % MARKER,
        b"=&=&=",
        b"&&&&",
        b"grant_type=%00",
        b"grant_type=%ff%fe",
        b"grant_type=password%00",
        b"grant_type=" + MARKER,
        b"grant_type=password&username=%00&password=%00",
        b"grant_type=password&username=a%40b.c%00&password=" + MARKER,
        b"grant_type=refresh_token&refresh_token=rt_%00",
        b"grant_type=refresh_token&refresh_token=rt_%ff",
        b"grant_type=refresh_token&refresh_token=" + MARKER,
        b"grant_type=refresh_token&refresh_token=rt_" + b"A" * 66,
        b"%00=%00",
        b"%ff=1",
        b"grant_type=password&grant_type=password",
        b"grant_type=client_credentials&client_id=%00&client_secret=" + MARKER,
        b"&".join(b"n%d=1" % number for number in range(1000)),
        "grant_type=Ü".encode(),
        b"grant_type=\xff",
        b"grant_type=%F0%9F%94%91",
        b"grant_type=password&password=%ED%A0%80" + MARKER,
        *(login % quote_from_bytes(value).encode() for value in values),
        *(
            b"grant_type=password&password=x&username=" + quote_from_bytes(value).encode()
            for value in values
        ),
    ]
    cases = [
        (f"{form[:60]!r} as {content_type!r}", post("/oauth/token", form, content_type))
        for form in forms
        for content_type in (FORM, f"{FORM}; charset=utf-8", f"{FORM}; charset=utf-16")
        if len(form) <= LIMIT
    ]
    assert await offenders(server, cases, oauth=True) == []


async def test_no_form_breaks_the_end_of_a_token(server: RunningServer) -> None:
    values = [value.strip(b'"') for value in VALUES.values()]
    forms = [
        b"token",
        b"token=%00",
        b"token=%ff%fe",
        b"token=rt_%00",
        b"token=a&token=b",
        b"token=a&token_type_hint=%00",
        b"token=a&client_id=%00&client_secret=" + MARKER,
        b"token=a&client_id=%ff",
        *(b"token=" + quote_from_bytes(value).encode() for value in values),
        *(b"token=a&client_id=" + quote_from_bytes(value).encode() for value in values),
        *(b"token=a&client_secret=" + quote_from_bytes(value).encode() for value in values),
    ]
    cases = [
        (f"{form[:60]!r} at {path}", post(path, form, FORM))
        for form in forms
        for path in ("/oauth/introspect", "/oauth/revoke")
        if len(form) <= LIMIT
    ]
    assert await offenders(server, cases, oauth=True) == []


@pytest.mark.parametrize("path", ["/oauth/token", "/auth/login", "/users/me", "/nowhere", "/"])
async def test_no_method_breaks_anything(server: RunningServer, path: str) -> None:
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
    methods += ["SEARCH", "M-SEARCH", "BREW", "get"]
    cases = [(method, request(method, path)) for method in methods]
    assert await offenders(server, cases, oauth=path.startswith("/oauth")) == []


def _part(value: object) -> bytes:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=")


def _bearers() -> dict[str, bytes]:
    nested = b'{"alg":"ES256","typ":"at+jwt","a":' + b"[" * 1000 + b"]" * 1000 + b"}"
    good = {"alg": "ES256", "typ": "at+jwt", "kid": "x"}
    parts = {
        "nested header": _part(nested) + b".e30.c2ln",
        "deeper header": _part(b"[" * 5000) + b".e30.c2ln",
        "header of NaN": _part(b'{"alg":NaN}') + b".e30.c2ln",
        "header with half a pair": _part(b'{"alg":"ES256","typ":"at+jwt","kid":"\\ud800"}')
        + b".e30.c2ln",
        "header with NUL": _part({**good, "kid": "\0"}) + b".e30.c2ln",
        "header with a list for kid": _part({**good, "kid": []}) + b".e30.c2ln",
        "header of a huge number": _part(b'{"alg":' + b"9" * 5000 + b"}") + b".e30.c2ln",
        "header in UTF-16": _part('{"alg":"ES256"}'.encode("utf-16")) + b".e30.c2ln",
        "no algorithm": _part({"alg": "none"}) + b".e30.",
        "one over 8 KiB": b"a.b." + b"c" * (8 * 1024 - 3),
        "two dots": b"..",
        "five parts": b"a.b.c.d.e",
        "beyond ASCII": b"\xff\xfe.\xc3\xa4.c",
        "a tab": b"a.b\tc.d",
        "many spaces": b" " * 4000 + b"a.b.c",
        "a space inside": b"a.b.c d",
        "nothing": b"",
    }
    return {name: b"Bearer " + part for name, part in parts.items()} | {
        "no scheme": b"\xff",
        "another scheme": b"Digest " + MARKER,
        "Basic": b"Basic \xff\xfe" + MARKER,
        "marked": b"Bearer " + MARKER + b".e30.c2ln",
    }


async def test_no_bearer_token_breaks_anything(server: RunningServer) -> None:
    cases = [
        (f"{name} at {method} {path}", request(method, path, Authorization=value))
        for name, value in _bearers().items()
        for method, path in [("GET", "/users/me"), ("POST", "/auth/logout"), ("GET", "/metrics")]
    ]
    assert await offenders(server, cases) == []


@pytest.mark.parametrize("path", OAUTH_PATHS)
async def test_no_client_authentication_breaks_an_oauth_endpoint(
    server: RunningServer, path: str
) -> None:
    body = b"grant_type=password&username=a&password=b&token=c"
    cases = [
        (name, request("POST", path, body, Authorization=value, Content_Type=FORM))
        for name, value in _bearers().items()
    ]
    assert await offenders(server, cases, oauth=True) == []


async def test_no_header_breaks_anything(server: RunningServer) -> None:
    body = fields("/auth/login")
    headers: list[dict[str, str | bytes]] = [
        {"Cookie": b"refresh_token=\xff\xfe" + MARKER, "Sec_Fetch_Site": "same-origin"},
        {"Cookie": b"__Secure-refresh_token=rt_\xff", "Sec_Fetch_Site": "same-origin"},
        {"Cookie": b'__Secure-refresh_token="\\377\\000"', "Sec_Fetch_Site": "same-origin"},
        {"Cookie": b"__Secure-refresh_token=rt_" + b"A" * 5000, "Sec_Fetch_Site": "same-origin"},
        {"Cookie": b";;;=;=" * 500},
        {"Cookie": b"__Secure-refresh_token=" + MARKER},
        {"Origin": b"\xff" + MARKER},
        {"Origin": "null"},
        {"Origin": b"https://app.example.com\xff"},
        {"X_Request_ID": b"\xff" + MARKER},
        {"X_Request_ID": "a" * 129},
        {"X_Forwarded_For": b"\xff" * 5000},
        {"X_Forwarded_For": "1.2.3.4," * 2000},
        {"User_Agent": b"\xff\xfe\x80"},
        {"User_Agent": "a" * 20000},
        {"Host": b"\xff" + MARKER},
        {"Accept": b"\xff", "Accept_Encoding": b"\xff", "If_None_Match": b"\xff"},
        {"Expect": "100-continue"},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
        {"Range": "bytes=0-1"},
        {"X_Large": "a" * 40000},
        {f"X_{number}": "a" for number in range(3000)},
        {"Sec_Fetch_Site": b"\xff"},
        {"Traceparent": b"00-\xff"},
    ]
    cases = []
    for path in ("/auth/login", "/auth/refresh", "/auth/logout"):
        for number, more in enumerate(headers):
            raw = request(
                "POST",
                path,
                body if path == "/auth/login" else None,
                **{"Content_Type": JSON, **more},
            )
            cases.append((f"header {number} at {path}", raw))
    assert await offenders(server, cases) == []


async def test_a_user_agent_beyond_ascii_keeps_nobody_out(server: RunningServer) -> None:
    email = b'"agent@example.com"'
    async with connected(server.port) as connection:
        await connection.send(post("/auth/register", fields("/auth/register", email=email)))
        login = fields("/auth/login", email=email)
        raw = request("POST", "/auth/login", login, Content_Type=JSON, User_Agent=b"\xff" * 600)
        assert (await connection.send(raw)).status == 200


async def test_no_path_breaks_anything(server: RunningServer) -> None:
    paths = [
        b"//",
        b"/%00",
        b"/%ff%fe",
        b"/%",
        b"/%zz",
        b"/auth/login%00",
        b"/auth//login",
        b"/auth/login/",
        b"/auth/./login",
        b"/auth/../users/me",
        b"/..%2f..%2fetc/passwd",
        b"/..;/users/me",
        b"/problems/%00",
        b"/problems/%ff",
        b"/problems/<script>" + MARKER,
        b"/problems/" + MARKER,
        b"/problems/" + b"a" * 8000,
        b"/problems/..%2f..",
        b"/docs/assets/..%2f..%2fsettings.py",
        b"/docs/assets/%00",
        b"/" + b"a" * 20000,
        b"/" + b"%41" * 5000,
        b"/?" + b"a=%ff&" * 3000,
        b"/users/me?" + MARKER + b"=%00",
        b"/healthz?x=" + b"[" * 5000,
        b"/\xc3\xa4",
        b"/\xff",
        b"http://127.0.0.1/users/me",
        b"http://\xff/",
        b"*",
        b"nothing",
        b"/a b",
    ]
    cases = [
        (f"{method} {path[:40]!r}", request(method, path))
        for path in paths
        for method in ("GET", "POST")
    ]
    cases.append(("OPTIONS *", request("OPTIONS", "*")))
    cases.append(("CONNECT", request("CONNECT", "127.0.0.1:80")))
    assert await offenders(server, cases) == []


async def test_a_client_that_leaves_in_the_middle_of_a_body_does_no_harm(
    server: RunningServer,
) -> None:
    body = fields("/auth/register")
    for _ in range(5):
        async with connected(server.port) as connection:
            connection._writer.write(post("/auth/register", body)[: -len(body) // 2])
            await connection._writer.drain()
    async with connected(server.port) as connection:
        assert await connection.is_usable()


_TEXTS = st.text(st.characters(codec=None), max_size=40)  # lone surrogates and U+0000 included
_NAMES = st.sampled_from(["email", "password", "delivery", "refresh_token"]) | _TEXTS
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_ADDRESSES = st.builds("{}@example.com".format, st.text(min_size=1, max_size=70))
_OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "email": _ADDRESSES | _VALUES,
        "password": st.text(min_size=8, max_size=300) | _VALUES,
        "refresh_token": st.builds("rt_{}".format, st.text(max_size=120)) | _VALUES,
        "delivery": st.sampled_from(["body", "cookie"]) | _VALUES,
    },
)
_TEXTUAL = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    ),
    _OBJECTS | _VALUES,
    st.booleans(),
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(path=st.sampled_from(PATHS), body=_TEXTUAL | st.binary(max_size=200))
async def test_no_json_that_anybody_could_think_of_breaks_anything(
    server: RunningServer, path: str, body: bytes
) -> None:
    assert await offenders(server, [("fuzz", post(path, body))]) == []


async def test_no_parameter_of_a_content_type_is_a_500_or_takes_long(server: RunningServer) -> None:
    # What the standard library's reader of parameters raises for, or spends seconds on.
    hostile = ["charset*=x; charset*0=y", f"charset*{'9' * 5000}=x", '"' + ";" * 31000]
    async with server.client() as http:
        for parameters in hostile:
            headers = {"Content-Type": f"application/json; {parameters}"}
            answer = await http.post("/auth/login", content=b"{}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_quoted_cookie_is_not_unquoted(server: RunningServer) -> None:
    # Unquoting takes quadratic time on Python before 3.11.10: a second for this one.
    cookie = '__Secure-refresh_token="' + '\\"' * 15000 + '"'
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    async with server.client() as http:
        answer = await http.post("/auth/refresh", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def test_a_reset_behind_pipelined_requests_leaves_no_trace_in_the_log(
    server: RunningServer,
) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
    await asyncio.sleep(0.5)
    async with server.client() as http:
        assert (await http.get("/healthz")).status_code == 200
    assert b"unexpected_error" not in server.log
    assert b"Exception in ASGI application" not in server.log
