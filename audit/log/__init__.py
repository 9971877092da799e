"""Leaves, hashes, proofs and signed notes. Imports the standard library alone."""
