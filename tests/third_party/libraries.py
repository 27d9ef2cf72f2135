"""The snippets of the documentation, each run as a program over tokens."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest

from tests.architecture.package import REPOSITORY
from tests.conftest import missing
from tests.docs.code_blocks import block_named, with_constants

HERE: Final = REPOSITORY / "tests" / "third_party"
NODE_FOLDER: Final = HERE / "node"
_JOSE: Final = NODE_FOLDER / "node_modules" / "jose" / "package.json"
_SECONDS: Final = 60

Verdict = dict[str, Any]


@dataclass(frozen=True)
class PythonLibrary:
    """A library for Python, and the errors that its snippet raises."""

    name: str
    snippet: str
    refusal: str
    unreachable: str

    @property
    def version(self) -> str:
        return version(self.name)

    def require(self) -> None:
        """It is among what the tests are installed with."""

    def command(self, folder: Path) -> list[str]:
        """What judges tokens with the snippet in this folder."""
        program = [sys.executable, str(HERE / "judge.py"), str(folder / self.snippet)]
        return [*program, self.refusal, self.unreachable]


@dataclass(frozen=True)
class NodeLibrary:
    """A package for Node."""

    name: str
    snippet: str

    @property
    def version(self) -> str:
        locked = json.loads((NODE_FOLDER / "package-lock.json").read_text())
        found: str = locked["packages"][f"node_modules/{self.name}"]["version"]
        return found

    def require(self) -> None:
        """Skip the test, visibly, where Node or the package is not there."""
        if shutil.which("node") is None or not _JOSE.is_file():
            missing("Node with the packages of tests/third_party/node (`npm ci` there)")

    def command(self, folder: Path) -> list[str]:
        """What judges tokens with the snippet in this folder."""
        (folder / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
        return ["node", str(NODE_FOLDER / "judge.mjs"), str(folder / self.snippet)]


Library = PythonLibrary | NodeLibrary
LIBRARIES: Final[list[Library]] = [
    PythonLibrary("PyJWT", "with_pyjwt.py", "jwt:PyJWTError", "jwt:PyJWKClientConnectionError"),
    PythonLibrary("joserfc", "with_joserfc.py", "joserfc.errors:JoseError", "httpx:HTTPError"),
    PythonLibrary(
        "Authlib",
        "with_authlib.py",
        "authlib.oauth2.rfc6750:InvalidTokenError",
        "httpx:HTTPError",
    ),
    NodeLibrary("jose", "with_jose.mjs"),
]
each_library: Final = pytest.mark.parametrize("library", LIBRARIES, ids=lambda known: known.name)


def judge(library: Library, tokens: list[str], folder: Path, **constants: str) -> list[Verdict]:
    """What the library's snippet says to the tokens, its constants set to these texts."""
    library.require()
    folder.mkdir()
    snippet = with_constants(block_named(library.snippet), **constants)
    (folder / library.snippet).write_text(snippet)
    (folder / "published_keys.py").write_text(block_named("published_keys.py"))
    done = subprocess.run(
        library.command(folder),
        cwd=folder,
        input=json.dumps(tokens),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    found: list[Verdict] = json.loads(done.stdout)
    return found
