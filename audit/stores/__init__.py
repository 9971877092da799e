"""Stores that keep the contract of audit.stores.contract."""
