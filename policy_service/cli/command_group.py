"""A group of commands in the order of the code, of which some are imported only when used.

Each command imports the libraries that it needs. A command that is not used costs no start-up time.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class CommandGroup(click.Group):
    """A group that has, besides its own commands, some that other modules define."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - these are click's
        paths: Mapping[str, str] = MappingProxyType({}),
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """`paths` maps the name of a command to its place, as `package.module:variable`."""
        super().__init__(*args, **kwargs)
        self._paths = paths

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which the code lists them."""
        del ctx
        return [*self.commands, *self._paths]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name; None if there is none."""
        if path := self._paths.get(cmd_name):
            module, _, variable = path.partition(":")
            command: click.Command = getattr(import_module(module), variable)
            return command
        return super().get_command(ctx, cmd_name)
