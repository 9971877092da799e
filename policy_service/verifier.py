"""`verify.pyz`: the verifier of bundles as one file that runs on Python alone.

It is made of the modules of `audit` that need nothing else, as they stand, and is the same bytes
for the same release, so that it can be compared with one from elsewhere.
"""

from __future__ import annotations

import zipfile
from importlib.resources import files
from io import BytesIO

MODULES = (
    "__init__",
    "__main__",
    "blocks",
    "bundle",
    "checkpoints",
    "ed25519",
    "errors",
    "findings",
    "history",
    "leaf",
    "merkle",
    "notes",
    "outside",
    "parts",
    "spread",
    "tables",
    "versions",
    "walk",
)

_BEGIN = """\
import sys

if sys.version_info < (3, 11):
    sys.stderr.write("cannot tell: Python 3.11 or newer is needed\\n")
    sys.exit(2)

from audit.__main__ import main

sys.exit(main())
"""
_SHEBANG = b"#!/usr/bin/env python3\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def verifier() -> bytes:
    """The bytes of the file."""
    package = files("audit")
    sources = {f"audit/{name}.py": package.joinpath(f"{name}.py").read_bytes() for name in MODULES}
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, source in {"__main__.py": _BEGIN.encode(), **sources}.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), source)
    return _SHEBANG + written.getvalue()
