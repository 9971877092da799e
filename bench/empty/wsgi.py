"""An empty Flask view that reads its body.

It is named as the service's own module, so that `policy-service serve` with this folder first on
PYTHONPATH serves it: the same server, the same options.
"""

from __future__ import annotations

from flask import Flask, request

app = Flask("empty", static_folder=None)


@app.post("/v1/decisions")
def decide() -> bytes:
    request.get_data()
    return b"{}"


@app.get("/readyz")
def is_ready() -> bytes:
    return b""
