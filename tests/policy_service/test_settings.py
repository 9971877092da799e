"""Settings: one table; options over the environment over a file over the defaults."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from policy_service.cli import main
from policy_service.cli.serve import serve
from policy_service.settings import (
    PREFIX,
    SETTINGS,
    Settings,
    SettingsError,
    allowed_values,
    variable_name,
)
from tests.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATIONS = ROOT / "docs" / "operations.md"
OTHERS: dict[str, tuple[Any, Any, Any]] = {
    "data": ("by-file", "by-environment", "by-option"),
    "host": ("::1", "0.0.0.1", "0.0.0.2"),
    "log": ("debug", "warning", "error"),
    "origin": ("one.example", "two.example", "three.example"),
}
"""Three values of each setting that is not a number."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment without settings, in which a test can set some."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    return monkeypatch


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text)
    return file


def error_info(
    options: Mapping[str, Any] | None = None, file: Path | None = None
) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refusal:
        Settings.load(options, file)
    return refusal.value.complaints


def test_settings_have_their_defaults_if_no_source_sets_them() -> None:
    assert Settings.load() == Settings()


def test_settings_of_arguments_do_not_depend_on_the_machine(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("POLICY_SERVICE_PORT", "x")
    environment.setenv("port", "1")
    assert (Settings().port, Settings(threads=3).port) == (8000, 8000)


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize("name", SETTINGS)
def test_option_wins_over_the_environment_and_the_environment_over_the_file(
    tmp_path: Path, environment: pytest.MonkeyPatch, name: str
) -> None:
    in_file, in_environment, as_option = OTHERS.get(name, (7, "8", "9"))
    file = written(tmp_path, f"{name} = {in_file!r}")

    def loaded(options: Mapping[str, Any] | None = None) -> str:
        return str(getattr(Settings.load(options, file), name))

    assert loaded() == str(in_file)
    environment.setenv(variable_name(name), in_environment)
    assert loaded() == in_environment
    assert loaded({name: as_option}) == as_option
    assert loaded({name: None}) == in_environment


def test_option_overrides_the_settings_file_of_the_environment(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "port = 7000")
    environment.setenv("POLICY_SERVICE_CONFIG", str(file))
    assert Settings.load().port == 7000
    (tmp_path / "other.toml").write_text("port = 7001")
    assert Settings.load({}, tmp_path / "other.toml").port == 7001


def test_every_complaint_names_its_source_and_the_allowed_values(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    text = 'port = "http"\ncolour = "red"\nworkers = true\nPort = 1\n_env_file = ".env"\n[log]\n'
    file = written(tmp_path, text)
    for name, value in {
        "POLICY_SERVICE_THREADS": "0",
        "POLICY_SERVICE_port": "1",
        "PORT": "x",
    }.items():
        environment.setenv(name, value)
    names = ", ".join(SETTINGS)
    assert error_info({"log": "loud", "data": "", "origin": "https://x"}, file) == (
        f"port in {file} is a whole number from 1 to 65535",
        f"workers in {file} is a whole number from 1 to 64",
        f"log in {file} is one of debug, info, warning, error",
        f"colour in {file} is not a setting; there are {names}",
        f"Port in {file} is not a setting; there are {names}",
        f"_env_file in {file} is not a setting; there are {names}",
        "POLICY_SERVICE_THREADS is a whole number from 1 to 1024",
        f"POLICY_SERVICE_port is not a setting; there are {names}",
        "--data is a text that is not empty",
        "--log is one of debug, info, warning, error",
        "--origin is a name without scheme, blanks, `+` and control characters",
    )


def test_invalid_value_is_refused_when_a_stronger_source_is_valid(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 0")
    assert len(error_info({"port": "8000"}, file)) == 1


NO_DIGITS = ["", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1_0", "\u0661", "true", "9" * 5000]
NO_PORTS = [*NO_DIGITS, "0", "65536"]


@pytest.mark.parametrize("number", NO_PORTS)
def test_port_is_refused_when_it_is_not_digits_in_range(
    tmp_path: Path, environment: pytest.MonkeyPatch, number: str
) -> None:
    assert len(error_info({"port": number})) == 1
    assert len(error_info(file=written(tmp_path, f'port = "{number}"'))) == 1
    environment.setenv("POLICY_SERVICE_PORT", number)
    assert len(error_info()) == 1


@pytest.mark.parametrize("value", ["1.0", "8000.0", "true", "-1", "[1]", "1979-05-27"])
def test_port_of_another_type_in_the_file_is_refused(tmp_path: Path, value: str) -> None:
    assert len(error_info(file=written(tmp_path, f"port = {value}"))) == 1


def test_settings_file_is_refused_when_it_is_missing_or_not_toml(tmp_path: Path) -> None:
    [missing] = error_info(file=tmp_path / "none.toml")
    assert missing.endswith("cannot be read: No such file or directory")
    [broken] = error_info(file=written(tmp_path, "port: 8000"))
    assert "is not TOML" in broken


def test_settings_are_equal_after_a_round_trip_through_the_environment(
    environment: pytest.MonkeyPatch,
) -> None:
    settings = Settings(
        data=Path("x"),
        host="::",
        port=1,
        workers=2,
        threads=3,
        queue=4,
        rate=5,
        burst=6,
        log="error",
        origin="other.example",
    )
    assert settings.model_fields_set == set(SETTINGS)
    for name, value in settings.environment().items():
        environment.setenv(name, value)
    assert Settings.load() == settings


@pytest.mark.parametrize("command", [["--version"], ["verify", "--help"], ["story", "--help"]])
def test_commands_start_without_the_library_of_settings(command: list[str]) -> None:
    code = (
        "import atexit, sys; from policy_service.cli import main;"
        "atexit.register(lambda: print('pydantic_settings' in sys.modules)); main()"
    )
    out = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True)
    assert out.stdout.splitlines()[-1] == b"False"


def test_serve_reports_all_invalid_settings_before_it_starts(tmp_path: Path) -> None:
    file = written(tmp_path, "colour = 1")
    arguments = ["serve", f"--config={file}", "--port=0", "--log=loud"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    for wrong in ("colour in", "--port is", "--log is"):
        assert wrong in result.stderr


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_read(name: str) -> None:
    modules = [ROOT / "wsgi.py", *(ROOT / "policy_service").rglob("*.py")]
    assert any(f"settings.{name}" in module.read_text(encoding="utf-8") for module in modules)


def test_serve_has_an_option_for_every_setting() -> None:
    options = {option.name for option in serve.params}
    assert options == {*SETTINGS, "config"}


def test_other_commands_use_the_data_folder_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, f'data = "{tmp_path / "ledger"}"')
    monkeypatch.setenv("POLICY_SERVICE_CONFIG", str(file))
    assert CliRunner().invoke(main, ["init"]).exit_code == 0
    assert (tmp_path / "ledger").is_dir()
    monkeypatch.setenv("POLICY_SERVICE_COLOUR", "red")
    result = CliRunner().invoke(main, ["verify"])
    assert (result.exit_code, "COLOUR" in result.stderr) == (2, True)


def test_operations_page_lists_every_setting() -> None:
    page = OPERATIONS.read_text(encoding="utf-8")
    section = page.split("\n## Settings\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == [
        f"| `{name}` | `{variable_name(name)}` | `{setting.default}` | {allowed_values(name)}"
        f" | {setting.description} |"
        for name, setting in SETTINGS.items()
    ]
