"""The memory: append-only logs of entries, the tree over them, the store and the verifier."""
