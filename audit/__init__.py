"""Append-only logs of entries: hashing and signatures, stores, verification and replay."""
