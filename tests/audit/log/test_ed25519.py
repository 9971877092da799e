"""Verification of Ed25519 against the standard, the edge cases of others, and `cryptography`."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from hypothesis import given
from hypothesis import strategies as st

from audit.log.ed25519 import is_key, verify
from tests.audit.signers import flipped, signer

ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19

# RFC 8032, section 7.1, without TEST 1024, which is long: key, message, signature.
KNOWN = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]
# The cases of "Taming the many EdDSAs" (novifinancial/ed25519-speccheck): message, key, signature,
# and whether they are right without the cofactor and with S in range.
SPECCHECK = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        (
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
            "0000000000000000000000000000000000000000000000000000000000000000"
        ),
        True,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        (
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
            "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
        True,
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        (
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
            "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e"
        ),
        True,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        (
            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
            "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"
        ),
        True,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        (
            "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
            "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"
        ),
        False,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        (
            "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
            "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405"
        ),
        False,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        (
            "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
            "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514"
        ),
        False,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        (
            "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
            "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22"
        ),
        False,
    ),
    (
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        (
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
            "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607"
        ),
        False,
    ),
    (
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        (
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
            "084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09"
        ),
        False,
    ),
]
EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
NEGATIVE = 1 << 255
SMALL = [
    number.to_bytes(32, "little")
    for y in (0, EIGHTH, PRIME - EIGHTH)
    for number in (y, y | NEGATIVE)
] + [number.to_bytes(32, "little") for number in (1, PRIME - 1)]
NOT_CANONICAL = [
    number.to_bytes(32, "little")
    for number in (
        *(1 | NEGATIVE, PRIME - 1 | NEGATIVE),
        *(PRIME, PRIME | NEGATIVE, PRIME + 1, PRIME + 1 | NEGATIVE),
    )
]

secrets = st.binary(min_size=32, max_size=32)


def by_cryptography(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize(("key", "message", "signature"), KNOWN)
def test_verify_accepts_the_signatures_of_the_standard(
    key: str, message: str, signature: str
) -> None:
    signed = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify(*signed)
    assert is_key(signed[0])


@pytest.mark.parametrize(("message", "key", "signature", "right"), SPECCHECK)
def test_verify_agrees_with_openssl_on_disputed_cases(
    message: str, key: str, signature: str, *, right: bool
) -> None:
    signed = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify(*signed) is by_cryptography(*signed) is right


@given(secrets, st.binary(max_size=300))
def test_verify_accepts_signatures_of_cryptography(secret: bytes, message: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    assert verify(private.public_key().public_bytes_raw(), message, private.sign(message))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=9), st.binary(max_size=80))
def test_verify_refuses_random_bytes(key: bytes, message: bytes, signature: bytes) -> None:
    assert not verify(key, message, signature)


def test_verification_fails_when_any_bit_is_flipped() -> None:
    """Of the key, of the message and of the signature."""
    log, message = signer("log"), b"a message"
    key, signature = log.key.key, log.sign(message)
    assert verify(key, message, signature)
    assert not any(verify(each, message, signature) for each in flipped(key))
    assert not any(verify(key, each, signature) for each in flipped(message))
    assert not any(verify(key, message, each) for each in flipped(signature))


def test_verify_refuses_a_second_s_of_a_signature() -> None:
    """S plus the order of the group gives the same point, and another signature."""
    log, message = signer("log"), b"a message"
    signature = log.sign(message)
    s = int.from_bytes(signature[32:], "little")
    for again in (s + ORDER, s + 8 * ORDER):
        assert not verify(log.key.key, message, signature[:32] + again.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33, 63, 65])
def test_verify_refuses_keys_and_signatures_of_another_length(size: int) -> None:
    log, message = signer("log"), b"a message"
    assert not verify(bytes(size), message, log.sign(message))
    assert not verify(log.key.key, message, (log.sign(message) * 2)[:size])


def test_verify_agrees_with_cryptography_on_points_of_small_order() -> None:
    """In all their encodings, as key and as R, for some messages right and for some not."""
    verdicts = set()
    for key, encoded_r in itertools.product(SMALL, SMALL + NOT_CANONICAL):
        for message in (b"0", b"1", b"2"):
            signed = key, message, encoded_r + bytes(32)
            assert verify(*signed) is by_cryptography(*signed)
            verdicts.add((encoded_r in SMALL, verify(*signed)))
    assert verdicts == {(True, True), (True, False), (False, False)}


def test_verify_refuses_keys_that_are_not_canonical() -> None:
    """Also y from 2 to 18 written as y + p, of which some are points of large order."""
    large = [(PRIME + y).to_bytes(32, "little") for y in range(2, 19)]
    for key, encoded_r in itertools.product(NOT_CANONICAL + large, SMALL):
        assert not verify(key, b"0", encoded_r + bytes(32))
        assert not is_key(key)


def test_is_key_refuses_points_of_small_order() -> None:
    assert not any(is_key(key) for key in SMALL)


def test_is_key_refuses_bytes_that_are_not_points() -> None:
    """There is no x for y = 2."""
    assert not is_key((2).to_bytes(32, "little"))
    assert not verify((2).to_bytes(32, "little"), b"", bytes(64))
