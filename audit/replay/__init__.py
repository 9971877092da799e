"""Decisions decided again from their recorded facts."""
