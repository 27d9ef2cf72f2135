"""What is no access token by its form: size, parts, base64url, JSON."""

from collections.abc import Iterator

from scripts.conformance.case import Case, beyond, invalid
from scripts.conformance.token_maker import (
    CLAIMS,
    HEADER,
    base64url,
    claiming,
    headed,
    part,
    signature,
    signed,
    to_json,
)

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LIMIT = 8192


def malformed() -> Iterator[Case]:
    """Every token of a wrong form."""
    yield from _wrong_size()
    yield from _wrong_parts()
    yield from _wrong_characters()
    yield from _wrong_header_json()
    yield from _wrong_payload_json()


def _wrong_size() -> Iterator[Case]:
    yield invalid("empty", "form", "no text at all", "")
    large = claiming(x="x" * _LIMIT)
    yield beyond("size-large", "size", "over 8 KiB, else good", large)
    yield beyond("size-large-header", "size", "the same in the header", headed(x="x" * _LIMIT))
    deep = b'{"alg":"none","typ":"at+jwt","x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    comment = "unsigned, 1,000 levels deep: to be refused, not to be fallen over"
    yield invalid("nested-header", "alg", comment, f"{part(deep)}.{part(CLAIMS)}.AA")


def _wrong_parts() -> Iterator[Case]:
    header, payload, tail = signed().split(".")
    good = signed()
    yield invalid("parts-one", "form", "no dot", header)
    yield invalid("parts-two", "form", "no signature and no dot before it", f"{header}.{payload}")
    yield invalid("parts-four", "form", "a part too many", f"{good}.{tail}")
    yield invalid("parts-five", "form", "shaped like a JWE", f"{good}.{tail}.{tail}")
    yield invalid("part-empty-header", "form", "an empty header", f".{payload}.{tail}")
    yield invalid("part-empty-payload", "form", "an empty payload", f"{header}..{tail}")
    members = {"protected": header, "payload": payload, "signature": tail}
    flattened = to_json(members).decode()
    yield invalid("json-serialization", "form", "JSON form (RFC 7515 section 7.2)", flattened)
    yield invalid("scheme", "form", "with its scheme before it", f"Bearer {good}")


def _wrong_characters() -> Iterator[Case]:
    good = signed()
    header, payload, tail = good.split(".")
    yield invalid("space-before", "form", "a space before it", f" {good}")
    yield invalid("space-after", "form", "a space after it", f"{good} ")
    yield invalid("line-break-after", "form", "a line break after it", f"{good}\n")
    yield invalid("line-break-within", "form", "a line break within", f"{good[:40]}\n{good[40:]}")
    yield invalid("nul-after", "form", "a NUL after it", f"{good}\0")
    yield invalid("padding", "form", "padded base64", f"{header}.{payload}.{tail}==")
    yield invalid("not-ascii", "form", "a letter that is not ASCII", f"{header}.é{payload}.{tail}")
    plain = signed(payload=CLAIMS | {"x": "???>>>"}).replace("-", "+").replace("_", "/")
    yield invalid("base64-alphabet", "form", "+ and / instead of - and _", plain)
    rest = base64url(b"x" * 65)[:85]
    comment = "a length that base64url never has"
    yield invalid("base64-length", "base64url", comment, f"{header}.{payload}.{rest}")
    other = tail[:-1] + _ALPHABET[_ALPHABET.index(tail[-1]) + 1]
    comment = "a second spelling of the same signature (RFC 4648 section 3.5)"
    yield beyond("base64-second-spelling", "base64url", comment, f"{header}.{payload}.{other}")


def _wrong_header_json() -> Iterator[Case]:
    good = to_json(HEADER)
    unsigned = b'{"alg":"none",' + good[1:]
    yield beyond("header-alg-twice", "json", "alg twice, the good one last", signed(unsigned))
    last = good[:-1] + b',"alg":"none"}'
    yield invalid("header-alg-twice-none", "json", "alg twice, none last", signed(last))
    kid_twice = good[:-1] + b',"kid":"conformance-1"}'
    yield beyond("header-kid-twice", "json", "kid twice, the same", signed(kid_twice))
    yield invalid("header-array", "json", "a JSON array", signed(b"[" + good + b"]"))
    yield invalid("header-no-json", "json", "no JSON", signed(good[:-1]))
    yield invalid("header-utf-16", "json", "not UTF-8", signed(good.decode().encode("utf-16-le")))
    yield invalid("header-more-after", "json", "a second object after it", signed(good + b"{}"))


def _wrong_payload_json() -> Iterator[Case]:
    good = to_json(CLAIMS)
    twice = good[:-1] + b',"sub":"01900000-0000-7000-8000-00000000000f"}'
    yield beyond("payload-sub-twice", "json", "two subjects", signed(payload=twice))
    deep = good[:-1] + b',"x":{"y":1,"y":2}}'
    yield beyond("payload-name-twice-deep", "json", "a name twice, deeper", signed(payload=deep))
    for name, comment, payload in (
        ("array", "a JSON array", b"[" + good + b"]"),
        ("string", "a JSON string", to_json(good.decode())),
        ("null", "a JSON null", b"null"),
        ("no-json", "cut off", good[:-1]),
        ("more-after", "a second object after it", good + b"{}"),
        ("single-quotes", "JavaScript, no JSON", good.replace(b'"', b"'")),
        ("nan", "NaN is no JSON", good[:-1] + b',"x":NaN}'),
        ("infinity", "Infinity is no JSON", good[:-1] + b',"x":Infinity}'),
        ("not-utf-8", "a byte that is no UTF-8", good[:-1] + b',"x":"\xff"}'),
        ("surrogate", "a surrogate encoded in UTF-8", good[:-1] + b',"x":"\xed\xa0\x80"}'),
        ("utf-16", "not UTF-8", good.decode().encode("utf-16-le")),
    ):
        yield invalid(f"payload-{name}", "json", comment, signed(payload=payload))
    bom = signed(payload=b"\xef\xbb\xbf" + good)
    yield beyond("payload-bom", "json", "a byte order mark (RFC 8259 section 8.1)", bom)
    endless = signed(payload=good[:-1] + b',"x":1e999}')
    yield beyond("payload-endless-number", "json", "a number beyond every float", endless)
    message = f"{part(HEADER)}.{part(b'')}"
    empty = f"{message}.{base64url(signature(message))}"
    yield invalid("payload-empty-signed", "form", "nothing, and rightly signed", empty)
