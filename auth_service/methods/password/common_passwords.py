"""The 10,000 most common passwords, which everybody who guesses tries first.

``common-passwords.txt.gz`` is the first half of the list that Django 5.2 ships
(``django/contrib/auth/common-passwords.txt.gz``), most common first. Royce Williams made it from
breached passwords: https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce
Copyright (c) Django Software Foundation and individual contributors, BSD-3-Clause:
https://github.com/django/django/blob/main/LICENSE
``scripts/build_common_passwords.py`` makes the file.
"""

import gzip
from functools import cache
from importlib.resources import files

from auth_service.methods.password.spelling import comparable


@cache
def common_passwords() -> frozenset[str]:
    """The list, in comparable spelling; read when it is first asked for, and once."""
    packed = files("auth_service.methods.password").joinpath("common-passwords.txt.gz").read_bytes()
    return frozenset(comparable(line) for line in gzip.decompress(packed).decode().splitlines())
