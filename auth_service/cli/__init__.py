"""The command line: the same services, the same transaction rule."""

from auth_service.cli.main import main

__all__ = ["main"]
