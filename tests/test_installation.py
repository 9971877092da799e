"""A fresh machine installs the locked releases, and `.ci/run` tests the committed files alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
LOCKS = {path.stem: path.read_text() for path in (ROOT / "requirements").glob("*.txt")}
PLAIN = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
"""An environment without the variables of a `make` that may run the tests."""
HASHES = re.compile(r"( --hash=sha256:[0-9a-f]{64})+")


def locked(lock: str) -> list[tuple[str, str]]:
    """Return each requirement of a lock file with its hashes."""
    lines = re.sub(r" \\\n +", " ", LOCKS[lock]).splitlines()
    return [(line.partition(" --hash")[0], line[line.find(" --hash") :]) for line in lines]


def pins(lock: str, python: str) -> dict[str, str]:
    """Return the versions that a lock file has for a Python version on Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    findings: dict[str, str] = {}
    for text, _ in locked(lock):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = normalized(requirement.name)
            assert name not in findings, f"{name} is there twice for Python {python}"
            findings[name] = str(requirement.specifier).removeprefix("==")
    return findings


def normalized(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def ranges(lock: str) -> list[Requirement]:
    """Return the requirements that a lock file must satisfy."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {"run": [], "test": ["test"], "bench": ["test", "bench"]}[lock]
    texts = [setup["options"]["install_requires"]]
    texts += [setup["options.extras_require"][extra] for extra in extras]
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    lines = [line for text in texts for line in text.splitlines() if line]
    return [Requirement(line) for line in [*lines, *build]]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", ["run", "test", "bench"])
def test_lock_satisfies_every_range_of_setup_cfg(lock: str, python: str) -> None:
    """`make lock` writes the lock files again after a change of the ranges."""
    versions = pins(lock, python)
    stale = [
        str(requirement)
        for requirement in ranges(lock)
        if not requirement.specifier.contains(versions.get(normalized(requirement.name), "0"))
    ]
    assert stale == []


@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_lock_pins_every_release_with_hashes(lock: str) -> None:
    assert locked(lock)
    for requirement, hashes in locked(lock):
        assert re.match(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+( ; .+)?$", requirement)
        assert HASHES.fullmatch(hashes), requirement


@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_lock_names_no_registry_and_no_folder(lock: str) -> None:
    assert re.findall(r".*(?:/|@|^-|index|links).*", LOCKS[lock], re.MULTILINE) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_tests_and_benchmarks_use_the_releases_that_run(python: str) -> None:
    run, test, bench = (pins(lock, python) for lock in ("run", "test", "bench"))
    assert run.items() <= test.items() <= bench.items()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout that has `.ci/run` and an uncommitted file, next to a folder of data."""
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "neighbour" / "data").write_text("data of the neighbour\n")
    checkout = tmp_path / "project"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci" / "run")
    recipe = "@pwd; ls; cat ../neighbour/data; exit $$EXIT_CODE"
    (checkout / "Makefile").write_text(f"test:\n\t{recipe}\n")
    for arguments in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=a"],
    ):
        subprocess.run(["git", *arguments], cwd=checkout, check=True)
    (checkout / "uncommitted").touch()
    return checkout


@pytest.mark.parametrize("exit_code", [0, 1])
def test_ci_tests_the_committed_files_in_a_fresh_folder(checkout: Path, exit_code: int) -> None:
    ran = subprocess.run(
        ["bash", checkout / ".ci" / "run"],
        env={**os.environ, "EXIT_CODE": str(exit_code)},
        capture_output=True,
        text=True,
        check=False,
    )
    folder, *output = ran.stdout.splitlines()
    assert output == ["Makefile", "data of the neighbour"], ran.stderr
    assert bool(ran.returncode) == bool(exit_code)
    assert Path(folder) != checkout
    assert not Path(folder).parent.exists()


def test_make_run_makes_the_ledger_once_and_serves_at_the_port(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for path, script in (
        ("requirements/install", 'echo "install $*"'),
        (".venv/bin/policy-service", 'echo "$* on $POLICY_SERVICE_PORT"'),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / path).chmod(0o755)
    command = ["make", "--silent", "run", "PORT=8001", "DATA=folder"]
    first = subprocess.check_output(command, cwd=tmp_path, text=True, env=PLAIN).splitlines()
    serve = "serve --data folder --port 8001 on "
    assert first == ["install run .venv", "init --data folder on 8001", serve]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ledger.sqlite3").touch()
    second = subprocess.check_output(command, cwd=tmp_path, text=True, env=PLAIN).splitlines()
    assert second[1] == "Keys were shown when folder was made; make another with"
    assert "policy-service keys create --data folder" in second[2]
    assert second[3:] == [serve]


def test_make_refuses_an_interpreter_that_cannot_be_used(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\necho 3.10.1\nexit 1\n")
    old.chmod(0o755)
    command = ["make", "check", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=PLAIN)
    assert ran.returncode != 0
    assert "Python 3.11 or newer is needed" in ran.stderr
    assert not (tmp_path / "venv").exists()
