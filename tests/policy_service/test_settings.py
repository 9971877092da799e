"""Settings: one table; options over the environment over a file over the defaults."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from policy_service.cli import main
from policy_service.cli.serve import serve
from policy_service.settings import LOG_LEVELS, SETTINGS, Settings, SettingsError, variable_name
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
"""Three values of each setting that is no number."""


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text)
    return file


def refused(
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refusal:
        Settings.load(options, environment or {}, file)
    return refusal.value.complaints


def test_what_nothing_sets_has_its_default() -> None:
    assert Settings.load({}, {}) == Settings()


@pytest.mark.parametrize("name", SETTINGS)
def test_an_option_stands_over_the_environment_and_that_over_a_file(
    tmp_path: Path, name: str
) -> None:
    in_file, in_environment, as_option = OTHERS.get(name, (7, "8", "9"))
    file = written(tmp_path, f"{name} = {in_file!r}")
    environment = {variable_name(name): in_environment}

    def loaded(*sources: Any) -> str:
        return str(getattr(Settings.load(*sources), name))

    assert loaded({}, {}, file) == str(in_file)
    assert loaded({}, environment, file) == in_environment
    assert loaded({name: as_option}, environment, file) == as_option
    assert loaded({name: None}, environment, file) == in_environment


def test_the_environment_names_the_file_and_an_option_another(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 7000")
    environment = {"POLICY_SERVICE_CONFIG": str(file)}
    assert Settings.load({}, environment).port == 7000
    (tmp_path / "other.toml").write_text("port = 7001")
    assert Settings.load({}, environment, tmp_path / "other.toml").port == 7001


def test_all_that_is_wrong_is_said_at_once_and_where(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = "http"\ncolour = "red"\nworkers = true\n[log]\n')
    environment = {"POLICY_SERVICE_THREADS": "0", "POLICY_SERVICE_port": "1", "PORT": "x"}
    names = ", ".join(SETTINGS)
    assert refused({"log": "loud", "data": ""}, environment, file) == (
        f"port in {file} is a whole number from 1 to 65535",
        f"colour in {file} is not a setting; there are {names}",
        f"workers in {file} is a whole number from 1 to 64",
        f"log in {file} is a text, and not empty",
        "POLICY_SERVICE_THREADS is a whole number from 1 to 1024",
        f"POLICY_SERVICE_port is not a setting; there are {names}",
        "--log is one of debug, info, warning, error",
        "--data is a text, and not empty",
    )


def test_a_wrong_value_is_refused_where_a_good_one_stands_over_it(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 0")
    assert len(refused({"port": "8000"}, {}, file)) == 1


@pytest.mark.parametrize("number", ["", "-1", "1.0", "1e3", " 1", "\u0661", "9" * 5000, "65536"])
def test_what_is_no_number_of_a_port_is_refused(number: str) -> None:
    assert refused({}, {"POLICY_SERVICE_PORT": number})


def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path) -> None:
    [missing] = refused(file=tmp_path / "none.toml")
    assert missing.endswith("cannot be read: No such file or directory")
    [broken] = refused(file=written(tmp_path, "port: 8000"))
    assert "is not TOML" in broken


def test_settings_survive_the_way_through_the_environment() -> None:
    settings = Settings(Path("x"), "::", 1, 2, 3, 4, 5, 6, "error")
    assert Settings.load({}, settings.environment()) == settings


def test_serve_refuses_everything_wrong_before_it_starts(tmp_path: Path) -> None:
    file = written(tmp_path, "colour = 1")
    arguments = ["serve", f"--config={file}", "--port=0", "--log=loud"]
    ended = CliRunner().invoke(main, arguments)
    assert ended.exit_code == 2
    for wrong in ("colour in", "--port is", "--log is"):
        assert wrong in ended.stderr


def test_every_setting_is_an_option_of_serve() -> None:
    options = {option.name for option in serve.params}
    assert options == {*SETTINGS, "config"}


def test_other_commands_find_the_data_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, f'data = "{tmp_path / "ledger"}"')
    monkeypatch.setenv("POLICY_SERVICE_CONFIG", str(file))
    assert CliRunner().invoke(main, ["init"]).exit_code == 0
    assert (tmp_path / "ledger").is_dir()
    monkeypatch.setenv("POLICY_SERVICE_COLOUR", "red")
    ended = CliRunner().invoke(main, ["verify"])
    assert (ended.exit_code, "COLOUR" in ended.stderr) == (2, True)


def bounds(name: str) -> str:
    setting = SETTINGS[name]
    if not isinstance(setting.default, int):
        return ", ".join(setting.metadata.get("among", ["a text"]))
    return f"{setting.metadata.get('least', 1)} to {setting.metadata.get('most', 1_000_000)}"


def test_the_page_for_operators_lists_every_setting() -> None:
    page = OPERATIONS.read_text(encoding="utf-8")
    section = page.split("\n## Settings\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == [
        f"| `{f.name}` | `{variable_name(f.name)}` | `{f.default}` | {bounds(f.name)}"
        f" | {f.metadata['meaning']} |"
        for f in fields(Settings)
    ]
    assert set(LOG_LEVELS) <= set(bounds("log").split(", "))
