"""Stores that implement the contract of audit.stores.contract."""
