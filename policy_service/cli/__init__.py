"""The command line: `policy-service`. Exit codes: 0 good, 1 a finding, 2 wrong use."""

from policy_service.cli.main import main

__all__ = ["main"]
