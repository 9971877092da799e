"""Full disks and read-only folders for tests, which also work for root."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DROP_FROM_BOUNDS, _OVERRIDES_MODES = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
_MOUNT = 'mount -t tmpfs -o "size=$1" small "$2" && echo mounted && exec sleep infinity'


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory that only some commands see."""

    folder: Path
    wrapper: Sequence[str]
    """The command that runs another one in sight of it."""
    seen_from_here: Path

    def fill(self) -> None:
        """Write until not one page is left."""
        with self._filling.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def make_room(self) -> None:
        self._filling.unlink()

    @property
    def _filling(self) -> Path:
        return self.seen_from_here / "filling"


@contextmanager
def small_disk(folder: Path, size: str = "24m") -> Iterator[SmallDisk]:
    """Mount a disk of this size on the folder, where only commands run by `wrapper` see it."""
    folder.mkdir()
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    command = [*namespace, "sh", "-c", _MOUNT, "sh", size, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as holder:
        assert holder.stdout
        said = holder.stdout.readline().decode()
        try:
            if said != "mounted\n":
                pytest.skip(f"no file system may be mounted here: {said}")
            within = ["--user", "--mount", "--preserve-credentials", f"--target={holder.pid}"]
            wrapper = ["nsenter", *within, f"--wd={ROOT}", "--"]
            yield SmallDisk(folder, wrapper, Path(f"/proc/{holder.pid}/root{folder}"))
        finally:
            holder.kill()


@contextmanager
def read_only(folder: Path) -> Iterator[Sequence[str]]:
    """Make the folder read-only; yield a wrapper under which even root obeys."""
    modes = {each: each.stat().st_mode for each in (folder, *folder.rglob("*"))}
    for each, mode in modes.items():
        each.chmod(mode & ~0o222)
    try:
        yield [sys.executable, "-m", "tests.durability.disks"]
    finally:
        for each, mode in modes.items():
            each.chmod(mode)


def main(*command: str) -> None:
    """Run the command as a user to whom file modes apply."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_DROP_FROM_BOUNDS, _OVERRIDES_MODES, 0, 0, 0) and os.getuid() == 0:
        sys.exit(f"prctl: {errno.errorcode[ctypes.get_errno()]}")
    os.execvp(command[0], command)  # noqa: S606 - it is what we were asked to run


if __name__ == "__main__":
    main(*sys.argv[1:])
