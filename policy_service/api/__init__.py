"""The service over HTTP: SPEC section 8."""
