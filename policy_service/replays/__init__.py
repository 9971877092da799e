"""Replays and backtests, and the queue of those requested over HTTP."""
