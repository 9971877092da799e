"""The file of the signing key, in PEM: created once, never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import NoSigningKeyError
from audit.stores.files.atomic_write import write_durably
from audit.stores.signing import SigningKey
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from pathlib import Path

SIGNING_KEY = "signing.key"


def create_signing_key(path: Path) -> None:
    """Create the file, readable by its owner alone; do nothing if it exists.

    Raises StorageUnavailableError.
    """
    if path.exists():
        return
    try:
        write_durably(path, SigningKey.generate().to_pem())
    except OSError as error:
        raise translate_error(error) from error


def read_signing_key(path: Path) -> SigningKey:
    """Return the key of the file. Raises NoSigningKeyError if it is missing or cannot be read."""
    try:
        return SigningKey.from_pem(path.read_bytes())
    except FileNotFoundError as error:
        raise NoSigningKeyError(
            f"the signing key is missing; put it back as {path.name}"
        ) from error
    except OSError as error:
        raise NoSigningKeyError(f"the signing key cannot be read: {path}") from error
    except NoSigningKeyError as error:
        raise NoSigningKeyError(f"{error}: {path}") from error
