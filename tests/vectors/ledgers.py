"""The facts of a ledger that must stay the same, and whole ledgers in packed files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from tests.vectors.pinned import STORED
from tests.vectors.service import command

if TYPE_CHECKING:
    from pathlib import Path

LOGS = ("acme", "system")
SKIPPED = frozenset({"verify.pyz"})
"""Files of a bundle whose content follows the code."""
NOT_PACKED = ("-shm", "-wal", ".lock")


def export_logs(data: Path, out: Path) -> dict[str, Path]:
    """Export both logs with personal data below a new folder; return the folder of each bundle."""
    out.mkdir()
    for log in LOGS:
        options = ("--workspace", log, "--out", out / log, "--personal")
        command("export", "--data", data, *options)
    return {log: out / log for log in LOGS}


def bundle_hashes(bundle: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a bundle, by its name."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    return {
        path.relative_to(bundle).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in SKIPPED
    }


def bundle_facts(bundle: Path) -> dict[str, Any]:
    """Return the signed checkpoint and the hash of each file."""
    checkpoint = (bundle / "checkpoint").read_text(encoding="utf-8")
    return {"checkpoint": checkpoint, "files": bundle_hashes(bundle)}


def packed_ledgers() -> list[Path]:
    """Return the ledgers that earlier code wrote, one for each format of the database."""
    return sorted(STORED.glob("ledger-*.tar.gz"))


def pack(folder: Path, packed: Path) -> None:
    """Pack a closed ledger into a file that must not exist yet."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if not path.name.endswith(NOT_PACKED):
                name = path.relative_to(folder).as_posix()
                tar.add(path, name, recursive=False, filter=_anonymous)
    with packed.open("xb") as file:
        file.write(gzip.compress(written.getvalue(), mtime=0))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack(packed: Path, folder: Path) -> None:
    """Extract a packed ledger into a new folder."""
    with tarfile.open(packed) as tar:
        tar.extractall(folder, filter="data")


def stored_json(name: str) -> Any:
    """Return the value of a stored JSON file."""
    return json.loads((STORED / name).read_text(encoding="utf-8"))


def write_json(name: str, value: object) -> None:
    """Store a value as a JSON file."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    (STORED / name).write_text(f"{text}\n", encoding="utf-8")
