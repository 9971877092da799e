"""Every command, gathered."""

from __future__ import annotations

import click

from policy_service.cli import (
    backtest,
    decide,
    erase,
    export,
    init,
    keys,
    ledger,
    policy_requirements,
    replay,
    restore,
    rules,
    serve,
    story,
    verify,
    versions,
    workspaces,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="policy-service")
def main() -> None:
    """Versioned routing rules, decided for each event, every decision in a ledger.

    Exit codes: 0 good, 1 a finding (a difference, tampering, a failed check), 2 wrong use.
    """


for command in (
    init.init,
    serve.serve,
    decide.decide,
    verify.verify,
    export.export_command,
    replay.replay,
    backtest.backtest,
    story.story,
    workspaces.workspaces,
    erase.erase,
    rules.rules,
    keys.keys,
    ledger.ledger,
    restore.backup,
    restore.restore,
):
    main.add_command(command)

for step in (
    *(versions.propose, versions.approve, versions.reject, versions.activate),
    *(policy_requirements.approvals, policy_requirements.guardrails),
):
    rules.rules.add_command(step)
