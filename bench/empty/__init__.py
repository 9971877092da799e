"""An application that does nothing, for comparison with the service."""
