"""Checkpoints against the standard's example, one of a log that everybody uses, and random ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.log.checkpoint import (
    BadCheckpointError,
    Checkpoint,
    WrongOriginError,
    format_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from audit.log.merkle import EMPTY_ROOT, hash_leaf
from audit.log.signed_note import (
    BadNoteError,
    EvidenceError,
    UnknownSignerError,
    decode_base64,
    parse_key,
    parse_note,
    sign_note,
)
from tests.audit.signers import flipped, signer

# The example of c2sp.org/tlog-checkpoint; its signature is that of another note.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
# What the log of Go's modules signed, and its key.
GO = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_ORIGIN = "go.sum database tree"
GO_NOTE = (
    "go.sum database tree\n49189689\nftjbAOzaupaIvaPo/G+Dk63nxOZ2s1OPOKIaPtXs7S4=\n\n"
    "— sum.golang.org Az3grlKZssqRoMNPpZfKt0TphbbcF+pzXqElURJKRNFKfaUAgqeI5k2AORH0QAhg/ebRwy"
    "IqD/OqP4oLtLnNumvOBAM=\n"
)
# A tree of one leaf, in a checkpoint signed with the key of LOG.
FIXED = (
    "example.com/log\n1\n0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n\n"
    "— example.com/log r2CzYM4AjNRSevVjW9uiv38QJUoc4gMymiKisgZuG9HtlHjXdRREm4owcrI8qD/UVZNP6JsRdjj6"
    "vxy0mmAmitkQDgo=\n"
)
KEY = "example.com/log+af60b360+AfJB15Qpxeic+ZntpPy674LLlMFfxnd2TtNHdwz1iemk"
ROOT = hash_leaf(b"one")
IN_BASE64 = "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek="
LOG = signer("example.com/log")

lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
checkpoints = st.builds(
    Checkpoint,
    lines,
    st.integers(1, 2**64 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(lines, max_size=3).map(tuple),
)


def text(size: str = "1", root: str = IN_BASE64) -> str:
    return f"example.com/log\n{size}\n{root}\n"


def test_parse_checkpoint_reads_the_example_of_the_standard() -> None:
    checkpoint = parse_checkpoint(parse_note(EXAMPLE.encode()).text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root == decode_base64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.extensions == ()


def test_verify_checkpoint_accepts_a_checkpoint_of_another_tool() -> None:
    """Whose key has another name than its origin is."""
    checkpoint = verify_checkpoint(GO_NOTE.encode(), GO_ORIGIN, [parse_key(GO)])
    assert (checkpoint.origin, checkpoint.size) == (GO_ORIGIN, 49189689)


def test_format_checkpoint_writes_the_recorded_bytes() -> None:
    """What was signed stays readable: the fixed bytes of a checkpoint and its signature."""
    checkpoint = Checkpoint("example.com/log", 1, ROOT)
    assert sign_checkpoint(checkpoint, *LOG) == FIXED.encode()
    assert verify_checkpoint(FIXED.encode(), "example.com/log", [parse_key(KEY)]) == checkpoint


def test_verify_checkpoint_refuses_another_origin() -> None:
    with pytest.raises(WrongOriginError):
        verify_checkpoint(GO_NOTE.encode(), "sum.golang.org", [parse_key(GO)])


def test_verify_checkpoint_refuses_another_signer() -> None:
    with pytest.raises(UnknownSignerError):
        verify_checkpoint(GO_NOTE.encode(), GO_ORIGIN, [LOG.key])


def test_verify_checkpoint_refuses_a_note_of_another_text() -> None:
    with pytest.raises(BadCheckpointError):
        verify_checkpoint(sign_note("hello\n", *LOG), "hello", [LOG.key])


def test_checkpoint_keeps_extension_lines() -> None:
    extended = text() + "a line\nanother +— one\n"
    checkpoint = parse_checkpoint(extended)
    assert checkpoint.extensions == ("a line", "another +— one")
    assert format_checkpoint(checkpoint) == extended


@pytest.mark.parametrize("size", ["0", "1", "10", str(2**64 - 1)])
def test_parse_checkpoint_reads_a_plain_decimal_size(size: str) -> None:
    root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" if size == "0" else IN_BASE64
    assert parse_checkpoint(text(size, root)).size == int(size)


@pytest.mark.parametrize(
    "size",
    ["", "00", "01", "-1", "+1", " 1", "1 ", "1_0", "1.0", "0x1", "\u0661", "1e3", str(2**64)],
)
def test_parse_checkpoint_refuses_other_spellings_of_a_size(size: str) -> None:
    with pytest.raises(BadCheckpointError):
        parse_checkpoint(text(size))


@pytest.mark.parametrize(
    "root", ["", "AAAA", IN_BASE64[:-1], IN_BASE64[:-2] + "l=", IN_BASE64 + IN_BASE64, "-" * 44]
)
def test_parse_checkpoint_requires_a_root_in_canonical_base64(root: str) -> None:
    with pytest.raises(BadCheckpointError):
        parse_checkpoint(text(root=root))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "\n",
        "a\n1\n",
        text()[:-1],
        text() + "\n",
        text() + "\nextension\n",
        "\n" + text(),
        text().replace("example.com/log", ""),
        text().replace("\n", "\n\n"),
    ],
)
def test_parse_checkpoint_requires_three_lines_without_empty_ones(wrong: str) -> None:
    with pytest.raises(BadCheckpointError):
        parse_checkpoint(wrong)


def test_parse_checkpoint_requires_the_empty_root_of_an_empty_log() -> None:
    empty = Checkpoint("example.com/log", 0, EMPTY_ROOT)
    assert parse_checkpoint(format_checkpoint(empty)) == empty
    with pytest.raises(BadCheckpointError):
        format_checkpoint(replace(empty, root=ROOT))


@pytest.mark.parametrize(
    "wrong",
    [
        Checkpoint("", 1, ROOT),
        Checkpoint("a\nb", 1, ROOT),
        Checkpoint("a", -1, ROOT),
        Checkpoint("a", 2**64, ROOT),
        Checkpoint("a", 1, ROOT[:-1]),
        Checkpoint("a", 1, ROOT, ("",)),
        Checkpoint("a", 1, ROOT, ("a\nb",)),
    ],
)
def test_format_refuses_values_without_a_round_trip(wrong: Checkpoint) -> None:
    with pytest.raises(BadCheckpointError):
        format_checkpoint(wrong)


def test_sign_checkpoint_refuses_a_text_that_no_note_can_have() -> None:
    with pytest.raises(BadNoteError):
        sign_checkpoint(Checkpoint("a\tb", 1, ROOT), *LOG)


def test_verify_checkpoint_fails_when_any_bit_is_flipped() -> None:
    log = signer("log")
    note = sign_checkpoint(Checkpoint("log", 1, ROOT), *log)
    assert verify_checkpoint(note, "log", [log.key]).size == 1
    for each in flipped(note):
        with pytest.raises(EvidenceError):
            verify_checkpoint(each, "log", [log.key])


@given(checkpoints)
def test_signed_value_is_verified(checkpoint: Checkpoint) -> None:
    signed = sign_checkpoint(checkpoint, *LOG)
    assert verify_checkpoint(signed, checkpoint.origin, [LOG.key]) == checkpoint


@given(st.text())
def test_parse_checkpoint_raises_only_its_own_errors(wrong: str) -> None:
    try:
        checkpoint = parse_checkpoint(wrong)
    except BadCheckpointError:
        return
    assert format_checkpoint(checkpoint) == wrong
