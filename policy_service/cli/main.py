"""The command `policy-service`, with the place of each sub-command."""

from __future__ import annotations

import click

from policy_service.cli.command_group import CommandGroup

_COMMANDS = {
    "init": "policy_service.cli.init:init",
    "serve": "policy_service.cli.serve:serve",
    "decide": "policy_service.cli.decide:decide",
    "verify": "policy_service.cli.verify:verify",
    "export": "policy_service.cli.export:export_command",
    "replay": "policy_service.cli.replay:replay",
    "backtest": "policy_service.cli.backtest:backtest",
    "story": "policy_service.cli.story:story",
    "workspaces": "policy_service.cli.workspaces:workspaces",
    "erase": "policy_service.cli.erase:erase",
    "rules": "policy_service.cli.rules:rules",
    "keys": "policy_service.cli.keys:keys",
    "ledger": "policy_service.cli.ledger:ledger",
    "backup": "policy_service.cli.restore:backup",
    "restore": "policy_service.cli.restore:restore",
}


@click.group(
    cls=CommandGroup, paths=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="policy-service")
def main() -> None:
    """Versioned routing rules, decided for each event, every decision in a ledger.

    Exit codes: 0 good, 1 a finding (a difference, tampering, a failed check), 2 wrong use.
    """
