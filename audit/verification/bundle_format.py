"""A log in a folder of files, for those who have no database: format 1.

checkpoint       the signed note of its size and root
key              the verifier key of that signature, as whoever made the bundle says
entries.ndjson   the leaves in order, a line each, the bytes that were hashed
hashes           their hashes in order, 32 bytes each: which entry it is that does not fit
entries.csv      the same entries as a table
versions/        the documents of its versions, canonical JSON, named by their digests
personal.ndjson  where it was asked for: index, salt and part, a line each, in order
README.txt       how to verify it; like `verify.pyz`, it is not covered by anything
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
    """What stands in a file of the bundle is not what belongs there."""

    code = AuditErrorCode.BAD_BUNDLE


def open_file(path: Path) -> BinaryIO:
    """The file, open.

    BadBundleError for what is there and is no file: a pipe is waited for forever.
    """
    if path.exists() and not path.is_file():
        raise BadBundleError(f"{path.name} is no file")
    return path.open("rb")


def read_file(path: Path) -> bytes:
    """The file that is held in memory as a whole.

    BadBundleError also where it is too long for that.
    """
    with open_file(path) as file:
        body = file.read(MAX_LINE_BYTES + 1)
    if len(body) > MAX_LINE_BYTES:
        raise BadBundleError(f"{path.name} is longer than {MAX_LINE_BYTES} bytes")
    return body


def read_blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The file in blocks of whole lines, each with the number of lines before it.

    Where a line is cut off, or too long to be one, its beginning ends the last block: `CUT`.
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
    """The lines of a block without their ends, empty ones too, and whether more follows them."""
    *lines, rest = block.split(b"\n")
    return lines, bool(rest)


def document_file_name(digest: str) -> str:
    """The name of the file of the document with this digest; BadBundleError where it is none."""
    if not _DIGEST.fullmatch(digest):
        raise BadBundleError(f"{digest!r} is no digest")
    return f"{digest.replace(':', '-')}.json"


def format_personal_line(index: int, personal: PersonalData) -> bytes:
    """The line of a personal part, without its end; the contact is in the part."""
    part = encode_canonical_json(personal.part.decode())
    salt = encode_base64(personal.salt).encode()
    return b'{"index":%d,"part":%b,"salt":"%b"}' % (index, part, salt)


def parse_personal(line: bytes) -> tuple[int, PersonalData]:
    """The index and the part, of nobody in particular, of a line; BadBundleError."""
    try:
        parsed: Any = json.loads(line)
        index, part = parsed["index"], parsed["part"].encode()
        personal = PersonalData("", decode_base64(parsed["salt"]), part)
        if type(index) is int and format_personal_line(index, personal) == line:
            return index, personal
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadBundleError("a line of personal parts cannot be read") from error
    raise BadBundleError("a line of personal parts is not as such lines are written")
