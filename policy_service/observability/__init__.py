"""Logs, metrics and the protocols through which the service reports to them."""
