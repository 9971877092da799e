"""What sealing is measured against: the service without it."""
