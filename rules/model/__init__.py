"""The vocabulary, events and rule documents as values."""
