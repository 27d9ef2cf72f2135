"""Cells of a CSV file that a spreadsheet would run as a formula (OWASP CSV Injection)."""

from typing import Final

_GUARD: Final = "'"
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", _GUARD)


def guarded(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would take for more than text."""
    return _GUARD + cell if cell.startswith(_DANGEROUS) else cell


def unguarded(cell: str) -> str:
    """What ``guarded`` was given."""
    without = cell.removeprefix(_GUARD)
    return without if without != cell and without.startswith(_DANGEROUS) else cell
