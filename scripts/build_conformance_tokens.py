"""Make ``docs/conformance/tokens.json``: access tokens, good and bad, with the verdict on each.

    python -m scripts.build_conformance_tokens

The keys are made from a text that stands in ``conformance/token_maker.py``, and signing is
deterministic (RFC 6979): the same cases always make the same file.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from scripts.conformance.accepted import accepted
from scripts.conformance.case import Case
from scripts.conformance.claims import misclaiming
from scripts.conformance.forms import malformed
from scripts.conformance.headers import misheaded
from scripts.conformance.signatures import missigned
from scripts.conformance.token_maker import AUDIENCE, FIRST, ISSUER, SECOND, public_jwk

TARGET: Final = Path(__file__).parents[1] / "docs" / "conformance" / "tokens.json"
NOTICE: Final = "The private halves of these keys are public knowledge. Trust them in tests only."


def cases() -> Iterator[Case]:
    """All cases, the good tokens first."""
    yield from accepted()
    yield from malformed()
    yield from misheaded()
    yield from missigned()
    yield from misclaiming()


def document() -> dict[str, Any]:
    """What the file says."""
    keys = {"conformance-1": FIRST, "conformance-2": SECOND}
    published = [
        public_jwk(key) | {"kid": kid, "alg": "ES256", "use": "sig"} for kid, key in keys.items()
    ]
    return {
        "notice": NOTICE,
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "algorithm": "ES256",
        "jwks": {"keys": published},
        "cases": [asdict(case) for case in cases()],
    }


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--target", type=Path, default=TARGET, help="the file to write")
    target: Path = parser.parse_args().target
    found = document()
    target.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"{len(found['cases'])} tokens written to {target}")


if __name__ == "__main__":
    main()
