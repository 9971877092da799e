"""Folds of entries: versions of a policy and the status of actions. Standard library alone."""
