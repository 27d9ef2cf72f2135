"""The package as the tests about its shape see it: its files and its errors."""

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import Final

import auth_service
from auth_service.core.errors import DomainError

PACKAGE: Final = Path(auth_service.__file__).parent
REPOSITORY: Final = PACKAGE.parent


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


def all_errors() -> list[type[DomainError]]:
    """Every refusal that any module of the service defines."""
    for found in pkgutil.walk_packages([str(PACKAGE)], "auth_service."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    return sorted(_below(DomainError), key=lambda error: error.__qualname__)


def _below(error: type[DomainError]) -> set[type[DomainError]]:
    children = [c for c in error.__subclasses__() if c.__module__.startswith("auth_service.")]
    return {*children, *(grandchild for child in children for grandchild in _below(child))}
