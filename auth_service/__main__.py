"""``python -m auth_service``: the command line."""

from auth_service.cli import main

main()
