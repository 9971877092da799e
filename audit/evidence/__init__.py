"""Evidence for others: signed checkpoints, verification of a ledger, bundles and backups."""
