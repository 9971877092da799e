"""An empty Flask view that reads its body.

The module has the name of the service's own. So `policy-service serve`, with this folder first on
PYTHONPATH, serves it with the same server and options.
"""

from __future__ import annotations

from flask import Flask, request

app = Flask("empty", static_folder=None)


@app.post("/v1/decisions")
def decide() -> bytes:
    """Read the body and return an empty object."""
    request.get_data()
    return b"{}"


@app.get("/readyz")
def is_ready() -> bytes:
    """Return an empty response."""
    return b""
