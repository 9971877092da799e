"""Examples that several resources share."""
