"""Erasures, holds and the personal data of entries."""
