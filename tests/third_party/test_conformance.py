"""What the snippets of the documentation say to the conformance tokens: measured, not guessed."""

from typing import Any, Final

import pytest

from tests.architecture.package import REPOSITORY
from tests.conformance.vectors import CASES, INVALID, VALID, VECTORS
from tests.running_server import free_port
from tests.third_party.jwks_host import jwks_host
from tests.third_party.libraries import LIBRARIES, Library, Verdict, each_library, judge

# The page tells of this one, too.
WRONGLY_REFUSED: Final = {"Authlib": {"header-unknown"}}
README: Final = REPOSITORY / "docs" / "conformance" / "README.md"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> "Judged":
    return Judged(tmp_path_factory)


class Judged:
    """The verdicts of each library, found once."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._found: dict[str, dict[str, Verdict]] = {}
        self.fetches: dict[str, int] = {}

    def by(self, library: Library) -> dict[str, Verdict]:
        """What this library says to each case, by the case's id."""
        if library.name not in self._found:
            folder = self._folders.mktemp(library.name) / "snippet"
            tokens = [case["token"] for case in CASES]
            with jwks_host(VECTORS["jwks"]) as (uri, asked):
                verdicts = judge(library, tokens, folder, **constants(uri))
            ids = [case["id"] for case in CASES]
            self._found[library.name] = dict(zip(ids, verdicts, strict=True))
            self.fetches[library.name] = len(asked)
        return self._found[library.name]

    def accepts(self, library: Library, case: dict[str, Any]) -> bool:
        return bool(self.by(library)[case["id"]]["verdict"] == "accepted")


def constants(uri: str) -> dict[str, str]:
    return {"ISSUER": VECTORS["issuer"], "AUDIENCE": VECTORS["audience"], "JWKS_URI": uri}


@each_library
def test_every_good_token_is_accepted(judged: Judged, library: Library) -> None:
    refused = {case["id"] for case in VALID if not judged.accepts(library, case)}
    assert refused == WRONGLY_REFUSED.get(library.name, set())


@each_library
def test_no_token_brings_it_down(judged: Judged, library: Library) -> None:
    verdicts = {verdict["verdict"] for verdict in judged.by(library).values()}
    assert verdicts == {"accepted", "refused"}


@each_library
def test_unknown_keys_do_not_make_it_fetch_again_and_again(
    judged: Judged, library: Library
) -> None:
    judged.by(library)
    assert judged.fetches[library.name] == 1


@each_library
def test_no_forger_gets_through(judged: Judged, library: Library) -> None:
    """What it lets through was at least signed with a published key, over these bytes."""
    forged = {"alg", "kid", "signature", "typ", "iss", "aud", "claims"}
    for case in INVALID:
        if case["check"] in forged or case["id"].endswith("-forged"):
            assert not judged.accepts(library, case), case["id"]


@each_library
def test_keys_that_cannot_be_fetched_say_nothing_about_the_token(
    library: Library, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = VALID[0]["token"]
    closed = f"http://127.0.0.1:{free_port()}/.well-known/jwks.json"
    folder = tmp_path_factory.mktemp(library.name)
    assert judge(library, [token], folder / "closed", **constants(closed)) == [
        {"verdict": "unreachable"}
    ]
    with jwks_host({}, status=503) as (uri, _):
        assert judge(library, [token], folder / "failing", **constants(uri)) == [
            {"verdict": "unreachable"}
        ]


@pytest.mark.parametrize("beyond_rfc", [False, True], ids=["by-the-rfcs", "beyond-the-rfcs"])
def test_the_page_tells_what_each_library_lets_through(judged: Judged, *, beyond_rfc: bool) -> None:
    names = [f"{library.name} {library.version}" for library in LIBRARIES]
    lines = [f"| token | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for case in INVALID:
        row = [judged.accepts(library, case) for library in LIBRARIES]
        if case["beyond_rfc"] is beyond_rfc and any(row):
            cells = ["accepts" if through else "refuses" for through in row]
            lines.append(f"| `{case['id']}` | {' | '.join(cells)} |")
    table = "\n".join(lines)
    assert f"\n\n{table}\n\n" in README.read_text(encoding="utf-8"), table
