"""Exact analysis of a document over all facts: proofs, lints, coverage and differences."""
