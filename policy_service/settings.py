"""The settings of a process: one table, read from options, the environment and a file.

An option wins over the environment, the environment over the file, the file over the default. Each
wrong value and each unknown name of all these sources is refused at the start, all at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic.fields import FieldInfo

PREFIX = "POLICY_SERVICE_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
"""The variable that names the file; it is not a setting."""
_ORIGIN = re.compile(r"(?!\w+://)[^\s+\x00-\x1f\x7f\ud800-\udfff]{1,200}")
_MAX_DIGITS = 19  # Python refuses to convert very long numbers


class SettingsError(ValueError):
    """Settings that cannot be used; `complaints` names each, with the values that are allowed."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = tuple(complaints)


def _parse_digits(value: object) -> int:
    """Return the number that the value is, or that its digits write. Raises ValueError."""
    digits = str(value)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit()):
        raise ValueError("not digits")
    if len(digits) > _MAX_DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _parse_path(value: object) -> Path:
    """Return the path that a text names. Raises ValueError if the text is empty."""
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("not a path")
    return Path(value)


def _check_origin(value: str) -> str:
    """Return the value. Raises ValueError if it cannot be the origin of a checkpoint."""
    if not _ORIGIN.fullmatch(value):
        raise ValueError("not an origin")
    return value


_Number: TypeAlias = Annotated[int, BeforeValidator(_parse_digits)]


class Settings(BaseSettings):
    """The settings of a process: the table that code, options, file and documentation share.

    `Settings()` has the defaults alone; `load` reads the sources.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", case_sensitive=True)

    data: Annotated[Path, BeforeValidator(_parse_path)] = Field(
        default=Path("data"), description="the folder of the ledger"
    )
    host: str = Field(default="127.0.0.1", description="the address to listen on", min_length=1)
    port: _Number = Field(default=8000, description="the port to listen on", ge=1, le=65535)
    workers: _Number = Field(
        default=2, description="the number of processes that serve", ge=1, le=64
    )
    threads: _Number = Field(
        default=32, description="the number of threads of each process", ge=1, le=1024
    )
    queue: _Number = Field(
        default=1024,
        description="writes that may wait in each process before it answers 503",
        ge=1,
        le=1_000_000,
    )
    rate: _Number = Field(
        default=0,
        description="requests a second that a key may make; 0 for no limit",
        ge=0,
        le=1_000_000,
    )
    burst: _Number = Field(
        default=1, description="seconds' worth of that rate that may come at once", ge=1, le=3600
    )
    log: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the lowest level of the messages that are logged"
    )
    origin: Annotated[str, AfterValidator(_check_origin)] = Field(
        default="policy-service.example",
        description="the name of the logs in checkpoints, before `/` and the workspace",
        json_schema_extra={
            "allowed": "a name without scheme, blanks, `+` and control characters",
        },
    )

    def environment(self) -> dict[str, str]:
        """Return the settings as environment variables, for a process that starts with them."""
        return {variable_name(name): str(getattr(self, name)) for name in SETTINGS}

    @classmethod
    def load(cls, options: Mapping[str, Any] | None = None, file: Path | None = None) -> Self:
        """Return the settings; `options` are by name, None if an option was not given.

        `file` is TOML; its default is the file that the environment names. Raises SettingsError.
        """
        if file is None and (path := os.environ.get(FILE_VARIABLE)):
            file = Path(path)
        complaints: list[str] = []
        options = {name: value for name, value in (options or {}).items() if value is not None}
        sources: tuple[tuple[Callable[[str], str], Mapping[str, Any]], ...] = (
            (lambda name: f"{name} in {file}", _read_file(file, complaints) if file else {}),
            (variable_name, _EnvironmentSource(cls)()),
            (lambda name: f"--{name}", options),
        )
        values: dict[str, Any] = {}
        for describe, source in sources:
            # Each source is checked alone, so that a stronger source hides no wrong value.
            known = {name: source[name] for name in SETTINGS if name in source}
            try:
                values |= cls(**known).model_dump(exclude_unset=True)
            except ValidationError as error:
                names = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
                complaints += [f"{describe(name)} is {allowed_values(name)}" for name in names]
            complaints += [
                f"{describe(name)} is not a setting; there are {', '.join(SETTINGS)}"
                for name in source
                if name not in known
            ]
        if complaints:
            raise SettingsError(complaints)
        return cls(**values)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the source of `Settings(...)`: its arguments, and nothing of the machine."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


SETTINGS: dict[str, FieldInfo] = Settings.model_fields


def variable_name(name: str) -> str:
    """Return the environment variable of a setting; the name itself if it is not a setting."""
    return f"{PREFIX}{name.upper()}" if name in SETTINGS else name


def allowed_values(name: str) -> str:
    """Return the description of the values that a setting may have."""
    schema = Settings.model_json_schema()["properties"][name]
    if "minimum" in schema:
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    return str(schema.get("allowed", "a text that is not empty"))


class _EnvironmentSource(EnvSettingsSource):
    """The variables with the prefix; unknown variables keep their names, to be refused."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a setting, its name, and False: the value is not JSON."""
        del field
        return os.environ.get(variable_name(field_name)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values by the names of their settings."""
        known = {FILE_VARIABLE, *map(variable_name, SETTINGS)}
        unknown = {
            name: text
            for name, text in os.environ.items()
            if name.startswith(PREFIX) and name not in known
        }
        return super().__call__() | unknown


def _read_file(file: Path, complaints: list[str]) -> dict[str, Any]:
    """Return the members of a TOML file; add a complaint if the file cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        complaints.append(f"{file} cannot be read: {error.strerror}")
    except ValueError as error:
        complaints.append(f"{file} is not TOML: {error}")
    return {}
