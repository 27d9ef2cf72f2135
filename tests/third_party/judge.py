"""Run as a program: what a snippet of the documentation says to each token on standard input.

``python judge.py FOLDER/with_pyjwt.py jwt:PyJWTError jwt:PyJWKClientConnectionError``: the errors
are those that the page names for a refusal and for keys out of reach.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def error_named(place: str) -> type[BaseException]:
    module, _, name = place.partition(":")
    found: type[BaseException] = getattr(import_module(module), name)
    return found


def main() -> None:
    path, refusal, unreachable = sys.argv[1:]
    sys.path.insert(0, str(Path(path).parent))
    claims_of = import_module(Path(path).stem).claims_of
    refused, out_of_reach = error_named(refusal), error_named(unreachable)

    def judged(token: str) -> dict[str, Any]:
        try:
            return {"verdict": "accepted", "claims": claims_of(token)}
        except out_of_reach:
            return {"verdict": "unreachable"}
        except refused:
            return {"verdict": "refused"}
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is to be seen
            return {"verdict": f"fell over: {fault!r}"}

    json.dump([judged(token) for token in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
