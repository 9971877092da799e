"""What an operator sets, from the environment or the command line; refused when wrong."""

from __future__ import annotations

import os
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "POLICY_SERVICE_"


class WrongSetting(ValueError):  # noqa: N818 - it names what is wrong
    """A setting that cannot be used; the message names it and what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a process. Each is read from `POLICY_SERVICE_<NAME>` where that is set."""

    data: Path = field(default=Path("data"), metadata={"meaning": "the folder of the ledger"})
    host: str = field(default="127.0.0.1", metadata={"meaning": "the address to listen on"})
    port: int = field(default=8000, metadata={"meaning": "the port to listen on", "most": 65535})
    workers: int = field(default=2, metadata={"meaning": "processes that serve", "most": 64})
    threads: int = field(default=32, metadata={"meaning": "threads of each of them", "most": 1024})
    queue: int = field(
        default=1024,
        metadata={"meaning": "writes that may wait in each of them before it says 503"},
    )

    def environment(self) -> dict[str, str]:
        """The same settings as environment variables, for a process that is started with them."""
        return {variable(f.name): str(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises WrongSetting for a value that cannot be used and for a name that is none."""
        known = {variable(f.name): f for f in fields(cls)}
        given = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
        if unknown := sorted(given.keys() - known.keys()):
            raise WrongSetting(f"{unknown[0]} is not a setting; there are {', '.join(known)}")
        return cls(**{known[name].name: _read(known[name], text) for name, text in given.items()})


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _read(setting: Field[Any], text: str) -> Any:  # noqa: ANN401 - of the type of its default
    if isinstance(setting.default, int):
        most = setting.metadata.get("most", 1_000_000)
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise WrongSetting(f"{variable(setting.name)} is a whole number from 1 to {most}")
        return int(text)
    if not text:
        raise WrongSetting(f"{variable(setting.name)} is empty")
    return Path(text) if isinstance(setting.default, Path) else text
