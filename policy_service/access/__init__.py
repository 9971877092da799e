"""API keys, their roles, their last use and their rate limit."""
