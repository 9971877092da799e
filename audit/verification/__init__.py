"""Verification of logs and bundles without a database. Standard library alone."""
