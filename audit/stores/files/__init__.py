"""Files next to the database: locks, keys and checkpoints."""
