"""Signed notes against the standard's example, those of others, and random ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import DecodingError
from audit.log import ed25519
from audit.log.signed_note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    BadKeyError,
    BadNoteError,
    BadSignatureError,
    EvidenceError,
    NoteSignature,
    SignedNote,
    UnknownSignerError,
    VerifierKey,
    decode_base64,
    encode_base64,
    format_key,
    format_note,
    parse_key,
    parse_note,
    sign_note,
    verify_note,
)
from tests.audit.signers import flipped, signer

# The example of c2sp.org/signed-note.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
    "RKuwHjG1Yu72IneyaQM=\n"
)
# The keys and notes that golang.org/x/mod/sumdb/note tests with.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnW"
    "Lox33WWd1RvMc+QQ=\n"
)

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1)
names = names.map(lambda name: name.replace("+", "-"))
lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
texts = st.lists(lines, min_size=1).map(lambda each: "".join(f"{line}\n" for line in each))
signatures = st.builds(
    NoteSignature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=90)
)
notes = st.builds(SignedNote, texts, st.lists(signatures, min_size=1, max_size=5).map(tuple))


def text_of(note: str, *keys: str) -> str:
    return verify_note(note.encode(), [parse_key(key) for key in keys]).text


def test_verify_note_accepts_the_example_of_the_standard() -> None:
    assert text_of(FOO_NOTE, FOO) == "This is an example message.\n"


def test_parse_note_reads_the_poem_of_the_standard() -> None:
    """An empty line in the text does not end it."""
    poem = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n"
        "ed è subito sera.\n"
    )
    line = (
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJ"
        "KONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    note = parse_note(f"{poem}\n{line}".encode())
    assert note.text == poem
    [signature] = note.signatures
    assert (signature.name, signature.key_id.hex()) == ("quasimodo.example/salvatore", "367ba04b")
    assert len(signature.signature) == ed25519.SIGNATURE_SIZE


@pytest.mark.parametrize("key", [FOO, PETER, ENOCH])
def test_format_key_returns_the_parsed_text_for_keys_of_other_tools(key: str) -> None:
    assert format_key(parse_key(key)) == key


def test_verify_note_accepts_notes_of_other_tools() -> None:
    assert text_of(f"{TEXT}\n{BY_PETER}", PETER) == TEXT
    assert text_of(f"{TEXT}\n{BY_PETER}{BY_ENOCH}", ENOCH, PETER) == TEXT


def test_sign_note_writes_the_bytes_of_the_reference() -> None:
    """With the private key of PeterNeumann, which is published with the reference's tests."""
    secret = decode_base64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    assert sign_note(TEXT, *signer("PeterNeumann", secret)) == f"{TEXT}\n{BY_PETER}".encode()


def test_verify_note_returns_only_verified_signatures() -> None:
    note = f"{TEXT}\n{BY_ENOCH}{BY_PETER}".encode()
    verified = verify_note(note, [parse_key(PETER)])
    assert [each.name for each in verified.signatures] == ["PeterNeumann"]
    assert [each.name for each in parse_note(note).signatures] == ["EnochRoot", "PeterNeumann"]


def test_verify_note_fails_when_a_known_keys_signature_is_wrong() -> None:
    """Whatever else is right."""
    forged = BY_ENOCH.replace("RvMc+QQ=", "RvMc+QU=")
    with pytest.raises(BadSignatureError, match="EnochRoot"):
        text_of(f"{TEXT}\n{BY_PETER}{forged}", PETER, ENOCH)
    assert text_of(f"{TEXT}\n{BY_PETER}{forged}", PETER) == TEXT


def test_verify_note_ignores_unknown_keys_with_a_known_name_or_id() -> None:
    """Its name or its id, but not both, and of a signature type that nobody knows."""
    note = parse_note(f"{TEXT}\n{BY_PETER}".encode())
    [right] = note.signatures
    same_name = NoteSignature(right.name, b"\0\0\0\0", right.signature)
    same_id = NoteSignature("EnochRoot", right.key_id, b"?")
    both = format_note(SignedNote(TEXT, (same_name, same_id, right)))
    assert verify_note(both, [parse_key(PETER)]) == note
    with pytest.raises(UnknownSignerError):
        verify_note(format_note(SignedNote(TEXT, (same_name, same_id))), [parse_key(PETER)])


def test_verify_note_fails_when_no_known_key_signed() -> None:
    with pytest.raises(UnknownSignerError):
        text_of(f"{TEXT}\n{BY_PETER}", ENOCH)
    with pytest.raises(UnknownSignerError):
        text_of(f"{TEXT}\n{BY_PETER}")


def test_verify_note_fails_when_any_bit_is_flipped() -> None:
    log = signer("log")
    note = sign_note("a\n", *log)
    assert verify_note(note, [log.key]).text == "a\n"
    for each in flipped(note):
        with pytest.raises(EvidenceError):
            verify_note(each, [log.key])


def test_parse_key_fails_when_any_bit_is_flipped_or_cut() -> None:
    parts = {PETER[i:j] for i in range(len(PETER)) for j in range(i, len(PETER) + 1)} - {PETER}
    bits = [each.decode("latin-1") for each in flipped(PETER.encode())]
    for key in (*parts, *bits, PETER + "\n", PETER + "=", ""):
        with pytest.raises(BadKeyError):
            parse_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
    ids=["length", "type", "upper case"],
)
def test_parse_key_refuses_keys_of_other_types(key: str) -> None:
    with pytest.raises(BadKeyError):
        parse_key(key)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u2003b", "a\u0085", "a\nb", "\x00", "\ud800"]
)
def test_verifier_key_accepts_names_without_spaces_and_plus(name: str) -> None:
    """Also without control characters, which no note may hold."""
    with pytest.raises(BadKeyError):
        VerifierKey(name, parse_key(PETER).key)
    if name.isprintable() or name == "a\u2003b":
        with pytest.raises(BadNoteError):
            parse_note(f"{TEXT}\n{BY_PETER}".replace("PeterNeumann", name).encode())


def test_verifier_key_refuses_points_of_small_order() -> None:
    """Its signatures of small order are right for many texts, without a private key."""
    with pytest.raises(BadKeyError):
        VerifierKey("log", (1).to_bytes(32, "little"))


def test_verify_note_refuses_keys_with_equal_name_and_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collision of 32 bits is quickly made; here the ids are."""
    monkeypatch.setattr(VerifierKey, "id", b"same")
    log, other = signer("log").key, signer("log", b"other").key
    with pytest.raises(BadKeyError, match="two keys"):
        verify_note(f"{TEXT}\n{BY_PETER}".encode(), [log, log, other])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT + "\n",
        TEXT + BY_PETER,
        f"{TEXT}\n{BY_PETER}"[:-1],
        f"{TEXT}\n{BY_PETER}\n",
        f"{TEXT}\n{BY_PETER}Unexpected line.\n",
        f"{TEXT}\n{BY_PETER}".replace("—", "-"),
        f"{TEXT}\n{BY_PETER}".replace("— ", "—  "),
        f"{TEXT}\n{BY_PETER}".replace("— ", "—\u00a0"),
        f"{TEXT}\n{BY_PETER}".replace("AM=", "AM= "),
        f"{TEXT}\n{BY_PETER}".replace("AM=", "AM"),
        f"{TEXT}\n{BY_PETER}".replace("AM=", "AN="),
        f"{TEXT}\n{BY_PETER}".replace("x08go/", "x08go_"),
        f"{TEXT}\n{BY_PETER}".replace("\n", "\r\n"),
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n— PeterNeumann\n",
        f"\x01{TEXT}\n{BY_PETER}",
        f"\t{TEXT}\n{BY_PETER}",
    ],
)
def test_parse_note_refuses_bytes_of_another_format(note: str) -> None:
    with pytest.raises(BadNoteError):
        parse_note(note.encode())


def test_parse_note_requires_utf_8() -> None:
    with pytest.raises(BadNoteError, match="UTF-8"):
        parse_note(b"\xff" + f"{TEXT}\n{BY_PETER}".encode())
    with pytest.raises(BadNoteError, match="UTF-8"):
        sign_note("\ud800\n", *signer("log"))


def test_parse_note_refuses_notes_above_the_limits() -> None:
    """The standard demands that 16 signatures be accepted."""
    many = f"{TEXT}\n{BY_PETER * MAX_SIGNATURES}"
    assert len(parse_note(many.encode()).signatures) == MAX_SIGNATURES >= 16
    with pytest.raises(BadNoteError, match="more than"):
        parse_note((many + BY_PETER).encode())
    rest = MAX_NOTE_BYTES - len(f"\n\n{BY_PETER}".encode())
    assert parse_note(("a" * rest + f"\n\n{BY_PETER}").encode())
    with pytest.raises(BadNoteError, match="longer"):
        parse_note(("a" * (rest + 1) + f"\n\n{BY_PETER}").encode())


@given(notes)
def test_format_is_the_inverse_of_parse(note: SignedNote) -> None:
    assert parse_note(format_note(note)) == note


@given(texts)
def test_signed_value_is_verified(text: str) -> None:
    log = signer("example.com/log")
    assert verify_note(sign_note(text, *log), [log.key]).text == text


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_parse_note_raises_only_its_own_errors(data: bytes) -> None:
    """And what is a note is written again as it came."""
    try:
        note = parse_note(data)
    except BadNoteError:
        return
    assert format_note(note) == data


@pytest.mark.parametrize("text", ["", "no newline", "a\n\nb", "a\x00\n", "a\r\n"])
def test_sign_note_refuses_texts_that_no_note_can_have(text: str) -> None:
    with pytest.raises(BadNoteError):
        sign_note(text, *signer("log"))


def test_format_note_refuses_a_note_without_signatures() -> None:
    with pytest.raises(BadNoteError):
        format_note(SignedNote(TEXT, ()))


def test_sign_note_refuses_a_signature_of_another_length() -> None:
    with pytest.raises(BadSignatureError):
        sign_note(TEXT, signer("log").key, lambda text: text)


@given(st.binary())
def test_base64_round_trip_is_canonical(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


@pytest.mark.parametrize(
    "text", ["AB==", "AAF=", "AA", "AA==AA==", "A A=", "AA=\n=", "Ä===", "-_=="]
)
def test_decode_base64_refuses_other_spellings(text: str) -> None:
    with pytest.raises(DecodingError, match=r".+"):
        decode_base64(text)
