"""`verify.pyz`: the verifier of bundles as one file that runs on Python alone.

It contains, unchanged, the modules of `audit` that need only the standard library. The same release
always gives the same bytes, so that two copies can be compared.
"""

from __future__ import annotations

import zipfile
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

FOLDERS = ("log", "projections", "verification")
"""The folders of `audit` whose modules import the standard library and one another alone."""

_TOP = ("__init__.py", "__main__.py", "errors.py")

_BEGIN = """\
import sys

if sys.version_info < (3, 11):
    sys.stderr.write("undetermined: Python 3.11 or newer is needed\\n")
    sys.exit(2)

from audit.__main__ import main

sys.exit(main())
"""
_SHEBANG = b"#!/usr/bin/env python3\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def list_modules() -> list[str]:
    """Return the paths of the verifier's modules below `audit`, sorted."""
    package = files("audit")
    paths = [path for folder in FOLDERS for path in _list_below(package.joinpath(folder), folder)]
    return sorted([*_TOP, *paths])


def _list_below(folder: Traversable, path: str) -> Iterator[str]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _list_below(each, f"{path}/{each.name}")
        elif each.name.endswith(".py"):
            yield f"{path}/{each.name}"


def build_verifier() -> bytes:
    """Return the bytes of `verify.pyz`."""
    package = files("audit")
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", _LONG_AGO), _BEGIN)
        for path in list_modules():
            source = package.joinpath(path).read_bytes()
            archive.writestr(zipfile.ZipInfo(f"audit/{path}", _LONG_AGO), source)
    return _SHEBANG + buffer.getvalue()
