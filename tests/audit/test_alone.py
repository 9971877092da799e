"""What verifies without a database also runs without anything that has to be installed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from policy_service.verifier import MODULES

AUDIT = Path(__file__).parents[2] / "audit"
ALONE = ("proofs", "tiles", *MODULES)


def imported(module: str) -> set[str]:
    """Every module that is imported anywhere in it, types and all."""
    names = set()
    for node in ast.walk(ast.parse((AUDIT / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = node.module or "."
            of_audit = {f"audit.{each.name}" for each in node.names}
            names |= of_audit if package == "audit" else {package}
    return names


@pytest.mark.parametrize("module", ALONE)
def test_it_imports_the_standard_library_and_its_like(module: str) -> None:
    allowed = sys.stdlib_module_names | {f"audit.{each}" for each in ALONE}
    top = {name if name.startswith("audit") else name.split(".")[0] for name in imported(module)}
    assert top <= allowed


def test_they_run_where_nothing_else_is(tmp_path: Path) -> None:
    """In a folder with these files alone, and a Python that sees no installed package."""
    package = tmp_path / "audit"
    package.mkdir()
    for module in ALONE:
        shutil.copy(AUDIT / f"{module}.py", package)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import " + ", ".join(
        f"audit.{module}" for module in ALONE
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
