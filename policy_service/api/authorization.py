"""Authentication: the key that a request sends as a bearer token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.access.keys import unauthorized_problem

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.api.requests import Request
    from policy_service.services import Services


def authenticate(services: Services, request: Request) -> Key:
    """Return the key of the request and note its use; raise ProblemError `unauthorized`."""
    if token := _token(request):
        now = services.store.now()
        with services.store.read() as snapshot:
            holder = services.keyring.find_key(snapshot, token, now)
        if holder:
            services.key_usage.record(holder.id, now, services.store)
            return holder
    raise unauthorized_problem()


def cached_key(services: Services, request: Request) -> Key | None:
    """Return the key by the keys that this process read last; it may miss a revocation.

    The caller must check the key again in its transaction. This saves a read of the ledger.
    """
    token = _token(request)
    return services.keyring.find_remembered_key(token, services.store.now()) if token else None


def _token(request: Request) -> str | None:
    scheme, _, token = request.header("Authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.isascii() else None
