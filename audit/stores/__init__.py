"""Stores that keep the contract of audit.store."""
