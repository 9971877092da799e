"""The service without encryption, for comparison."""
