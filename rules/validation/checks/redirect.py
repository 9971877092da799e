"""The redirect is one well-formed e-mail address, website or phone number."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rules.formats.suggestions import quote_word, suggest_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import TreeNode

_MAX_LOCAL_PART_LENGTH = 64
_MAX_EMAIL_LENGTH = 254
_MAX_WEBSITE_LENGTH = 2_000
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_HOST = re.compile(r"[\w](?:[\w-]{0,61}[\w])?(?:\.[\w](?:[\w-]{0,61}[\w])?)*\.?")
_PHONE = re.compile(r"[+0-9(][0-9 ()-]*")
_PHONE_DIGIT_COUNTS = range(3, 21)


def check_redirect(node: TreeNode) -> Iterator[Complaint]:
    """Yield the complaints about a redirect that is set."""
    if not isinstance(node.value, dict) or len(node.value) != 1:
        message = "Write exactly one of {email: …}, {website: …} and {phone: …}"
        yield node.complain("redirect_malformed", message)
        return
    for key, member in node.members():
        if key not in _MEMBER_CHECKS:
            message = f"{quote_word(key)} is not a key here: {suggest_words(key, _MEMBER_CHECKS)}"
            yield member.complain("unknown_key", message)
            continue
        well_formed, example = _MEMBER_CHECKS[key]
        if not isinstance(member.value, str) or not well_formed(member.value):
            yield member.complain("redirect_malformed", f"Write {example}")


def is_email(text: str) -> bool:
    """Return True for a dot-atom, `@` and a domain of several labels (RFC 5321, no quoting)."""
    local_part, _, domain = text.rpartition("@")
    return (
        len(text) <= _MAX_EMAIL_LENGTH
        and len(local_part) <= _MAX_LOCAL_PART_LENGTH
        and _LOCAL_PART.fullmatch(local_part) is not None
        and _DOMAIN.fullmatch(domain) is not None
    )


def is_website(text: str) -> bool:
    """Return True for an absolute http or https URL with a host, without user information."""
    if len(text) > _MAX_WEBSITE_LENGTH or not text.isprintable() or re.search(r"[\s\\<>\"]", text):
        return False
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    if url.scheme not in {"http", "https"} or "@" in url.netloc or port == 0:
        return False
    return _is_host(url.hostname or "")


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _HOST.fullmatch(host) is not None
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def is_phone(text: str) -> bool:
    """Return True for digits, spaces, brackets and hyphens, with an optional `+` in front."""
    return _PHONE.fullmatch(text) is not None and sum(map(str.isdigit, text)) in _PHONE_DIGIT_COUNTS


_MEMBER_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "email": (is_email, "an e-mail address such as help@example.com"),
    "website": (is_website, "a URL such as https://help.example.com, without user or spaces"),
    "phone": (
        is_phone,
        'a phone number such as "+43 1 234567", in digits, spaces, brackets, + and -',
    ),
}
"""The members of a redirect: the test of each, and an example."""
