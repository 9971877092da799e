"""`verify.pyz`, or `python -m audit`: verify a bundle, on any machine, with Python alone."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from audit.log.signed_note import EvidenceError, parse_key
from audit.verification.bundle_format import BadBundleError
from audit.verification.bundle_verifier import Verdict, verify_bundle
from audit.verification.worker_pool import WorkerStoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.log.signed_note import VerifierKey

SOUND, TAMPERED, CANNOT_TELL = 0, 1, 2
MOST_PROCESSES = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the arguments name and print what was found; the exit code.

    Whatever goes wrong in between was not foreseen, or was not said: then it cannot be told.
    """
    given = _parser().parse_args(arguments)
    try:
        verdict = _verdict(given)
        said = json.dumps(_view(verdict), indent=2) if given.json else _text(verdict)
        code = exit_code(verdict)
    except Exception as error:  # noqa: BLE001 - "tampered with" is what a crash must not look like
        complaint = _printable(f"cannot tell: {_why(error)}")
        said = json.dumps({"unknown": [complaint]}) if given.json else complaint
        code = CANNOT_TELL
    return code if _print(said) else CANNOT_TELL


def _verdict(given: argparse.Namespace) -> Verdict:
    keys = [key for file in given.key for key in _keys(file)]
    older = [path.read_bytes() for path in given.checkpoint]
    return verify_bundle(given.bundle, keys, older, processes=given.processes)


def _keys(file: str) -> list[VerifierKey]:
    try:
        lines = Path(file).read_text("utf-8").split("\n")
    except OSError as error:
        if _is_key(file):
            raise EvidenceError("--key takes a file, and this is the key itself") from error
        raise
    return [parse_key(line) for line in lines if line]


def _is_key(text: str) -> bool:
    try:
        parse_key(text)
    except EvidenceError:
        return False
    return True


def _why(error: Exception) -> str:
    if isinstance(
        error, OSError | BadBundleError | EvidenceError | WorkerStoppedError | UnicodeDecodeError
    ):
        return str(error)
    return f"the verifier failed, {type(error).__name__}: {error}"


def _print(said: str) -> bool:
    """Whether it could be said, whatever characters there are for it."""
    out = sys.stdout
    encoding = (out and out.encoding) or "utf-8"
    try:
        print(said.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())  # else it is tried again at exit
        print(f"cannot tell: what was found cannot be printed: {error}", file=sys.stderr)  # noqa: T201
        return False
    return True


def exit_code(verdict: Verdict) -> int:
    if verdict.report.findings:
        return TAMPERED
    return CANNOT_TELL if verdict.unknown else SOUND


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.pyz",
        description="Verify an exported log. Exit codes: 0 sound, 1 tampered with, 2 cannot tell.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder of the bundle")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEYFILE",
        help="a file with the log's verifier key, which you did not get with the bundle",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="OLDER",
        help="a signed checkpoint of the log that you kept; may be given more than once",
    )
    parser.add_argument(
        "--processes",
        type=_count,
        metavar="N",
        help="how many more processes read entries, and as many personal parts; 0 for none."
        " Otherwise as many as there are processors, where that is worth while",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"not a number up to {MOST_PROCESSES}")
    return int(text)


def _view(verdict: Verdict) -> dict[str, object]:
    report = verdict.report
    return {
        "log": report.log,
        "size": report.size,
        "root": base64.b64encode(report.root).decode(),
        "sound": exit_code(verdict) == SOUND,
        "personal": verdict.personal,
        "findings": [
            {"index": each.index, "code": each.code.value, "message": each.message}
            for each in report.findings
        ],
        "more": verdict.more,
        "unknown": list(verdict.unknown),
    }


def _text(verdict: Verdict) -> str:
    report = verdict.report
    root = base64.b64encode(report.root).decode()
    count = len(report.findings) + verdict.more
    state = f"{count} findings" if count else "cannot tell" if verdict.unknown else "sound"
    said = [f"{report.log}: {report.size} entries, root {root}, {state}"]
    for each in report.findings:
        where = "log" if each.index is None else f"entry {each.index}"
        said.append(f"  {where}: {each.message} ({each.code})")
    if verdict.more:
        said.append(f"  and {verdict.more} more findings")
    said += [f"  cannot tell: {reason}" for reason in verdict.unknown]
    if not verdict.personal:
        said.append("  personal parts are not in the bundle, so nothing is said of them")
    return "\n".join(map(_printable, said))


def _printable(text: str) -> str:
    """The text on one line, and nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


if __name__ == "__main__":
    sys.exit(main())
