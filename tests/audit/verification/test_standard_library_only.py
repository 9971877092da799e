"""The modules of `verify.pyz` import the standard library and one another alone."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit.evidence.verifier_archive import list_modules
from tests.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

AUDIT = ROOT / "audit"


def dotted(path: str) -> str:
    """Return the import name of a module below `audit`."""
    return f"audit/{path}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")


OURS = {dotted(path) for path in list_modules()}


def imported(path: str) -> set[str]:
    """Return the names of all modules that a module imports, for types too."""
    names = set()
    for node in ast.walk(ast.parse((AUDIT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = node.module or "."
            members = {f"{package}.{each.name}" for each in node.names} & OURS
            names |= members or {package}
    return names


@pytest.mark.parametrize("path", list_modules())
def test_module_imports_standard_library_alone(path: str) -> None:
    names = imported(path) - OURS
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_modules_run_without_installed_packages(tmp_path: Path) -> None:
    """They are copied to a folder of their own, and Python sees no installed package."""
    for path in list_modules():
        copy = tmp_path / "audit" / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(AUDIT / path, copy)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import " + ", ".join(OURS)
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
