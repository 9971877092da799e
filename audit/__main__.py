"""`verify.pyz`, or `python -m audit`: verify a bundle on any machine, with Python alone."""

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
from audit.verification.bundle_verifier import BundleVerdict, verify_bundle
from audit.verification.findings import escape_control
from audit.verification.worker_pool import WorkerStoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.log.signed_note import VerifierKey

SOUND, TAMPERED, UNDETERMINED = 0, 1, 2
MAX_PROCESSES = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the bundle that the arguments name, print the verdict and return the exit code.

    An unexpected error, or an output that cannot be printed, is exit code 2: undetermined.
    """
    options = _build_parser().parse_args(arguments)
    try:
        verdict = _verify(options)
        text = json.dumps(_build_view(verdict), indent=2) if options.json else _format_text(verdict)
        code = exit_code(verdict)
    except Exception as error:  # noqa: BLE001 - a crash must not look like "tampered with"
        complaint = escape_control(f"undetermined: {_describe_error(error)}")
        text = json.dumps({"undetermined_reasons": [complaint]}) if options.json else complaint
        code = UNDETERMINED
    return code if _print_text(text) else UNDETERMINED


def _verify(options: argparse.Namespace) -> BundleVerdict:
    keys = [key for file in options.key for key in _read_keys(file)]
    older_notes = [path.read_bytes() for path in options.checkpoint]
    return verify_bundle(options.bundle, keys, older_notes, processes=options.processes)


def _read_keys(file: str) -> list[VerifierKey]:
    try:
        lines = Path(file).read_text("utf-8-sig").split("\n")
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


def _describe_error(error: Exception) -> str:
    if isinstance(
        error, OSError | BadBundleError | EvidenceError | WorkerStoppedError | UnicodeDecodeError
    ):
        return str(error)
    return f"the verifier failed, {type(error).__name__}: {error}"


def _print_text(text: str) -> bool:
    """Print the text, with escapes for characters that the encoding lacks.

    Return False if it cannot be printed.
    """
    out = sys.stdout
    encoding = (out and out.encoding) or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201
    except OSError as error:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), out.fileno()
        )  # or Python tries to flush again at exit
        print(f"undetermined: the verdict cannot be printed: {error}", file=sys.stderr)  # noqa: T201
        return False
    return True


def exit_code(verdict: BundleVerdict) -> int:
    """Return the exit code of a verdict: 0 sound, 1 tampered with, 2 undetermined."""
    if verdict.report.findings:
        return TAMPERED
    return UNDETERMINED if verdict.undetermined_reasons else SOUND


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.pyz",
        description="Verify an exported log. Exit codes: 0 sound, 1 tampered with, 2 undetermined.",
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
        type=_parse_count,
        metavar="N",
        help="the number of further processes that read the bundle; 0 for none."
        " The default is one for each processor, if the bundle is large",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PROCESSES:
        raise argparse.ArgumentTypeError(f"not a number up to {MAX_PROCESSES}")
    return int(text)


def _build_view(verdict: BundleVerdict) -> dict[str, object]:
    report = verdict.report
    return {
        "log": report.log,
        "size": report.size,
        "root": base64.b64encode(report.root).decode(),
        "sound": exit_code(verdict) == SOUND,
        "personal": verdict.has_personal_data,
        "findings": [
            {"index": finding.index, "code": finding.code.value, "message": finding.message}
            for finding in report.findings
        ],
        "further_findings": verdict.further_findings,
        "undetermined_reasons": list(verdict.undetermined_reasons),
    }


def _format_text(verdict: BundleVerdict) -> str:
    report = verdict.report
    root = base64.b64encode(report.root).decode()
    count = len(report.findings) + verdict.further_findings
    state = (
        f"{count} findings"
        if count
        else "undetermined"
        if verdict.undetermined_reasons
        else "sound"
    )
    lines = [f"{report.log}: {report.size} entries, root {root}, {state}"]
    for finding in report.findings:
        subject = "log" if finding.index is None else f"entry {finding.index}"
        lines.append(f"  {subject}: {finding.message} ({finding.code})")
    if verdict.further_findings:
        lines.append(f"  and {verdict.further_findings} more findings")
    lines += [f"  undetermined: {reason}" for reason in verdict.undetermined_reasons]
    if not verdict.has_personal_data:
        lines.append("  the bundle has no personal parts, so they were not verified")
    return "\n".join(map(escape_control, lines))


if __name__ == "__main__":
    sys.exit(main())
