"""Rules that hold for every module of the service."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.package import PACKAGE, REPOSITORY, modules, name_of, tree_of

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import auth_service
for found in pkgutil.walk_packages(auth_service.__path__, "auth_service."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print(len([name for name in sys.modules if name.startswith("auth_service.")]))
"""
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "tools"}
LONGEST = 300


def _naming(attribute: str) -> set[str]:
    """The modules that have an attribute of this name anywhere."""
    return {
        name_of(module)
        for module in modules()
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute) and node.attr == attribute
    }


def test_only_the_session_module_commits() -> None:
    assert _naming("commit") == {"db/session.py"}


def test_nobody_rolls_back_but_the_pool_where_a_commit_has_failed() -> None:
    assert _naming("rollback") <= {"db/session.py", "db/engine.py"}


def test_only_the_problems_module_names_the_framework_s_exception() -> None:
    """And what other services' apps depend on, which have no problems of ours."""
    assert {name_of(module) for module in modules() if "HTTPException" in module.read_text()} == {
        "verifier/fastapi.py",
        "web/problems.py",
    }


def test_importing_builds_nothing_and_reads_no_setting(tmp_path: Path) -> None:
    environment = os.environ | {
        "AUTH_ENVIRONMENT": "garbage",
        "AUTH_DATABASE_URL": "garbage",
        "PYTHONPATH": str(REPOSITORY),
    }
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error::ResourceWarning", "-c", IMPORT_EVERYTHING],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
    assert list(tmp_path.iterdir()) == []


def _run_at_import(tree: ast.AST) -> list[ast.AST]:
    """The nodes that are evaluated when the module is imported: all but functions' bodies."""
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found += _run_at_import(node)
    return found


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_no_environment_is_read_at_import(module: Path) -> None:
    read = {
        node.attr
        for node in _run_at_import(tree_of(module))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "cpu_count"}
    }
    assert read == set()


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_a_module_is_short_enough_to_have_one_subject(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST


def test_nothing_has_a_name_that_says_nothing() -> None:
    folders = {path for path in PACKAGE.rglob("*") if path.is_dir()}
    vague = {name_of(path) for path in [*modules(), *folders] if path.stem in VAGUE_NAMES}
    assert vague == {"db/base.py"}  # what all tables share; SQLAlchemy's own name for it


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_every_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(tree_of(module)) or name_of(module) == "__main__.py"
