"""Schemas that several resources share."""
