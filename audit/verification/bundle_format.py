"""A log as a folder of files, for verification without a database: format 1.

checkpoint       the signed note of size and root
key              the verifier key of that signature, as stated by the bundle's author
entries.ndjson   the leaves in order, one per line: the bytes that were hashed
hashes           the leaf hashes in order, 32 bytes each; they show which entry differs
entries.csv      the same entries as a table
versions/        the documents of its versions, canonical JSON, named by their digests
personal.ndjson  only if requested: index, salt and part, one per line, in order
README.txt       how to verify the bundle; nothing covers this file or `verify.pyz`
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from audit.errors import AuditError, AuditErrorCode
from audit.log.leaf import PersonalData, encode_canonical_json
from audit.log.signed_note import decode_base64, encode_base64

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

CHECKPOINT = "checkpoint"
KEY = "key"
ENTRIES = "entries.ndjson"
HASHES = "hashes"
TABLE = "entries.csv"
VERSIONS = "versions"
PERSONAL = "personal.ndjson"
README = "README.txt"
VERIFIER = "verify.pyz"

BLOCK_SIZE = 1 << 20
MAX_LINE_BYTES = 1 << 24
CUT_LINE_MESSAGE = "a line is cut off, or too long to be one"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BadBundleError(AuditError):
    """A file of the bundle with other content than belongs there."""

    code = AuditErrorCode.BAD_BUNDLE


def open_file(path: Path) -> BinaryIO:
    """Open a file of the bundle.

    Raises BadBundleError if the path is not a regular file: reading a pipe would wait forever.
    """
    if path.exists() and not path.is_file():
        raise BadBundleError(f"{path.name} is not a file")
    return path.open("rb")


def read_file(path: Path) -> bytes:
    """Return the content of a file.

    Raises BadBundleError if the path is not a regular file or the file is too long.
    """
    with open_file(path) as file:
        body = file.read(MAX_LINE_BYTES + 1)
    if len(body) > MAX_LINE_BYTES:
        raise BadBundleError(f"{path.name} is longer than {MAX_LINE_BYTES} bytes")
    return body


def read_blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the file in blocks of whole lines, each with the number of lines before it.

    If a line is cut off or too long, its beginning ends the last block: `CUT`.
    """
    line_count = 0
    while block := file.read(BLOCK_SIZE):
        if not block.endswith(b"\n"):
            block += file.readline(MAX_LINE_BYTES)
        yield line_count, block
        line_count += block.count(b"\n")
        if not block.endswith(b"\n"):
            return


def split_lines(block: bytes) -> tuple[list[bytes], bool]:
    """Return the lines of a block without newlines, and True if an unfinished line follows."""
    *lines, rest = block.split(b"\n")
    return lines, bool(rest)


def document_file_name(digest: str) -> str:
    """Return the file name of the document with this digest. Raises BadBundleError."""
    if not _DIGEST.fullmatch(digest):
        raise BadBundleError(f"{digest!r} is not a digest")
    return f"{digest.replace(':', '-')}.json"


def format_personal_line(index: int, personal: PersonalData) -> bytes:
    """Return the line of a personal part, without newline; the part contains the contact."""
    part = encode_canonical_json(personal.part.decode())
    salt = encode_base64(personal.salt).encode()
    return b'{"index":%d,"part":%b,"salt":"%b"}' % (index, part, salt)


def parse_personal(line: bytes) -> tuple[int, PersonalData]:
    """Parse a line; return its index and its part, without contact. Raises BadBundleError."""
    try:
        parsed: Any = json.loads(line)
        index, part = parsed["index"], parsed["part"].encode()
        personal = PersonalData("", decode_base64(parsed["salt"]), part)
        if type(index) is int and format_personal_line(index, personal) == line:
            return index, personal
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadBundleError("a line of personal parts cannot be read") from error
    raise BadBundleError("a line of personal parts has an unexpected form")
