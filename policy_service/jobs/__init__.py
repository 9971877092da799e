"""Scheduled jobs of a serving process."""
