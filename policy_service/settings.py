"""What an operator sets: one table, read from options, the environment and a file.

An option stands over the environment, the environment over the file, the file over the default.
Whatever cannot be used, and every name that is none, is refused at the start, all of it at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PREFIX = "POLICY_SERVICE_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
"""The variable that names the file; it is no setting itself."""
_ORIGIN = re.compile(r"(?!\w+://)[^\s+\x00-\x1f\x7f\ud800-\udfff]{1,200}")
LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(ValueError):
    """Settings that cannot be used; `complaints` names each, and what it may be."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = tuple(complaints)


def _about(meaning: str, **bounds: Any) -> dict[str, Any]:  # noqa: ANN401 - least, most or among
    return {"meaning": meaning, **bounds}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a process: the table that code, options, file and documentation share."""

    data: Path = field(default=Path("data"), metadata=_about("the folder of the ledger"))
    host: str = field(default="127.0.0.1", metadata=_about("the address to listen on"))
    port: int = field(default=8000, metadata=_about("the port to listen on", most=65535))
    workers: int = field(default=2, metadata=_about("processes that serve", most=64))
    threads: int = field(default=32, metadata=_about("threads of each of them", most=1024))
    queue: int = field(
        default=1024, metadata=_about("writes that may wait in each of them before it says 503")
    )
    rate: int = field(
        default=0,
        metadata=_about("requests a second that a key may make; 0 for no limit", least=0),
    )
    burst: int = field(
        default=1,
        metadata=_about("seconds' worth of that rate that may come at once", most=3600),
    )
    log: str = field(
        default="info",
        metadata=_about(f"what is logged, from {', '.join(LOG_LEVELS)} on", among=LOG_LEVELS),
    )
    origin: str = field(
        default="policy-service.example",
        metadata=_about("what the logs are called in checkpoints, before `/` and the workspace"),
    )

    def environment(self) -> dict[str, str]:
        """The same settings as environment variables, for a process that is started with them."""
        return {variable_name(f.name): str(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def load(
        cls,
        options: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] = os.environ,
        file: Path | None = None,
    ) -> Settings:
        """The settings; `options` are by name, None where one was not given.

        `file`, or else the one that the environment names, is TOML. Raises WrongSetting.
        """
        if file is None and (named := environment.get(FILE_VARIABLE)):
            file = Path(named)
        values: dict[str, Any] = {}
        complaints: list[str] = []
        for source, name, value in _list_values(options or {}, environment, file, complaints):
            try:
                values[name] = _parse_value(name, value)
            except ValueError as error:
                complaints.append(f"{source} {error}")
        if complaints:
            raise SettingsError(complaints)
        return cls(**values)


SETTINGS: dict[str, Field[Any]] = {f.name: f for f in fields(Settings)}


def variable_name(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _list_values(
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Path | None,
    complaints: list[str],
) -> Iterator[tuple[str, str, Any]]:
    """What is set, the weaker first: how its source calls it, the setting's name, the value."""
    if file:
        for name, value in _read_file(file, complaints).items():
            yield f"{name} in {file}", name, value
    names = {variable_name(name): name for name in SETTINGS}
    for called, text in environment.items():
        if called.startswith(PREFIX) and called != FILE_VARIABLE:
            yield called, names.get(called, called), text
    for name, value in options.items():
        if value is not None:
            yield f"--{name}", name, value


def _read_file(file: Path, complaints: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        complaints.append(f"{file} cannot be read: {error.strerror}")
    except ValueError as error:
        complaints.append(f"{file} is not TOML: {error}")
    return {}


def _parse_value(name: str, value: Any) -> Any:  # noqa: ANN401 - of the type of its default
    """The value as the setting takes it; ValueError saying what it may be."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise ValueError(f"is not a setting; there are {', '.join(SETTINGS)}")
    if isinstance(setting.default, int):
        return _parse_number(value, **setting.metadata)
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("is a text, and not empty")
    if (among := setting.metadata.get("among")) and value not in among:
        raise ValueError(f"is one of {', '.join(among)}")
    if name == "origin" and not _ORIGIN.fullmatch(str(value)):
        raise ValueError("is a name without scheme, blanks, `+` and control characters")
    return Path(value) if isinstance(setting.default, Path) else value


def _parse_number(value: Any, *, least: int = 1, most: int = 1_000_000, **_: object) -> int:  # noqa: ANN401 - digits, or a number
    text = str(value)
    is_number = not isinstance(value, bool) and text.isascii() and text.isdigit()
    is_number = is_number and len(text) < 20  # noqa: PLR2004 - longer ones are not converted
    if not (is_number and least <= int(text) <= most):
        raise ValueError(f"is a whole number from {least} to {most}")
    return int(text)
