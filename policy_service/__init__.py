"""The service: events in over HTTP or the command line, decisions out, everything in the ledger."""
