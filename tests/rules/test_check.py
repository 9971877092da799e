"""`check_document`: every fault gets a complaint with code, place and line, in document order."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.check import MAX_COMPLAINTS, CheckResult, check_document, read_document
from rules.engine.compiler import CompiledPolicy
from rules.engine.evaluator import explain_ruling
from rules.errors import Complaint, InvalidDocumentError
from rules.formats.document_text import MAX_DOCUMENT_BYTES, read_json, read_value, read_yaml
from rules.model import builtin
from rules.model.document import Document
from rules.model.test_defaults import BASE_FACTS
from rules.validation.codes import COMPLAINT_CODES, NOTICE_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules.formats.document_text import DocumentSource

DOCUMENTS = sorted(Path(__file__).with_name("documents").glob("*.yaml"))
RULE = {
    "id": "ask-everyone",
    "when": {"event.type": "conversation.started"},
    "outcome": "ask",
    "reason": "asked",
}
SMALLEST: dict[str, Any] = {
    "format": 1,
    "rules": [RULE],
    "otherwise": {"outcome": "noted", "reason": "unexpected_event"},
}
"""A document without complaint."""


def pigeonhole_document(holes: int) -> DocumentSource:
    """Return a document that states the pigeonhole principle, which is slow to prove.

    There is one more pigeon than holes, so two pigeons must share a hole.
    """
    each = [f"hole-{hole}" for hole in range(holes)]
    names = [f"attributes.pigeon_{number}" for number in range(holes + 1)]
    together = (
        {**RULE, "id": f"p{one}-{other}-{hole}", "when": {names[one]: hole, names[other]: hole}}
        for other in range(holes + 1)
        for one in range(other)
        for hole in each
    )
    property_ = {"id": "some-share", "for_all": {name: {"known": True} for name in names}}
    return read_value(
        {
            **SMALLEST,
            "facts": {name: {"type": "enum", "values": each} for name in names},
            "rules": list(together),
            "properties": [{**property_, "outcome_in": ["ask"]}],
        }
    )


GENERATED: dict[str, tuple[str, Callable[[], DocumentSource]]] = {
    "a text that is too large": (
        "document_too_large",
        lambda: read_yaml("#" * (MAX_DOCUMENT_BYTES + 1)),
    ),
    "bytes that are not UTF-8": ("not_utf_8", lambda: read_json(b"\xff")),
    "a text that is not JSON": ("not_json", lambda: read_json("format: 1")),
    "too many items in a list": (
        "too_many",
        lambda: read_value({**SMALLEST, "answers": {"customer": ["ok"] * 1_001}}),
    ),
    "a property that needs too many steps": ("property_undecided", lambda: pigeonhole_document(8)),
    "too many rules times tests": (
        "too_many",
        lambda: read_value(
            {
                **SMALLEST,
                "rules": [{**RULE, "id": f"r{n}"} for n in range(2_001)],
                "tests": [{"name": f"t{n}", "expect": {"reason": "asked"}} for n in range(2_000)],
            }
        ),
    ),
}
"""Faults that no file of the corpus contains: the code, and a function that reads the document."""


def complaints_of(read: Callable[[], DocumentSource]) -> tuple[Complaint, ...]:
    try:
        return check_document(read()).complaints
    except InvalidDocumentError as refusal:
        return refusal.complaints


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_corpus_document_gets_the_complaints_in_its_head_comment(path: Path) -> None:
    text = path.read_bytes().decode()
    head = re.match(r"(?:# .*\n)+", text)
    assert head, "the file begins with one comment per complaint: # code pointer line"
    actual = [
        f"# {c.code} {c.pointer or '(root)'} {c.line or '(no line)'}"
        for c in complaints_of(lambda: read_yaml(text))
    ]
    assert actual == head[0].splitlines()


def test_pigeonhole_property_is_proved_when_there_are_few_pigeons() -> None:
    assert check_document(pigeonhole_document(4)).complaints == ()


@pytest.mark.parametrize("way", GENERATED)
def test_generated_document_gets_its_complaint(way: str) -> None:
    code, read = GENERATED[way]
    assert {complaint.code for complaint in complaints_of(read)} == {code}


def test_corpus_and_generated_documents_cover_every_complaint_code() -> None:
    heads = (line for path in DOCUMENTS for line in path.read_bytes().decode().splitlines())
    in_files = {line.split()[1] for line in heads if re.match(r"# [a-z0-9_]+ (/|\(root\))", line)}
    assert in_files | {code for code, _ in GENERATED.values()} == set(COMPLAINT_CODES)


def test_complaint_message_is_one_line() -> None:
    for path in DOCUMENTS:
        text = path.read_bytes().decode()
        for complaint in complaints_of(lambda text=text: read_yaml(text)):  # type: ignore[misc]
            assert re.fullmatch(r"[^\n]{10,300}", complaint.message), complaint


def test_smallest_document_is_accepted() -> None:
    findings = check_document(read_value(SMALLEST))
    assert findings.document == Document(SMALLEST)
    assert findings.complaints == ()
    assert read_document(read_value(SMALLEST)) == findings.document


def test_untested_rule_gets_a_notice() -> None:
    (notice,) = check_document(read_value(SMALLEST)).notices
    assert (notice.code, notice.pointer) == ("rule_untested", "/rules/0")
    assert notice.code in NOTICE_CODES


def test_built_in_document_has_no_complaint_and_no_notice() -> None:
    assert check_document(read_yaml(builtin.load_text())) == CheckResult(
        Document(builtin.load_tree()), (), ()
    )


def test_read_document_reports_all_complaints_at_once() -> None:
    tree = {**SMALLEST, "titel": "a", "settings": {"enable": True}, "facts": {"size": 1}}
    with pytest.raises(InvalidDocumentError) as refusal:
        read_document(read_value(tree))
    assert [c.code for c in refusal.value.complaints] == [
        "malformed_fact",
        "wrong_type",
        "unknown_setting",
        "unknown_key",
    ]


def test_complaints_about_list_items_are_in_numeric_order() -> None:
    rules = [{**RULE, "id": f"r{n}", "stage": "?"} for n in range(12)]
    reported = [
        c.pointer for c in check_document(read_value({**SMALLEST, "rules": rules})).complaints
    ]
    assert reported == [f"/rules/{n}/stage" for n in range(12)]


def test_number_of_complaints_is_bounded() -> None:
    tree = {**SMALLEST, **{f"k{n}": 1 for n in range(2 * MAX_COMPLAINTS)}}
    assert len(check_document(read_value(tree)).complaints) == MAX_COMPLAINTS


def document_with(**parts: Any) -> DocumentSource:
    return read_value({**SMALLEST, **parts})


@pytest.mark.parametrize(
    "when",
    [
        {"answer": "customer"},
        {"answer": ["customer", "unclear"]},
        {"answer": {"not": ["customer", "unclear"]}},
        {"answer": {"not": {"not": "customer"}}},
        {"answer": {"known": True}},
        {"conversation.asks": {"gte": 1, "lt": 3}},
        {"conversation.asks": {"gt": 0.5}},
        {"conversation.asks": {"lte": "$ask_again"}},
        {"conversation.asks": "$ask_again"},
        {"message.language": {"language": "*"}},
        {"message.language": {"language": ["en", "$languages"]}},
        {"message.language": {"language": "$default_language"}},
        {"message.language": "$languages"},
        {"workspace.plan": ["$entitled_plans", "free"]},
        {"conversation.assigned": "$enabled"},
        {"settings.redirect": {"known": False}},
        {"settings.redirect": {"not": {"known": True}}},
        {"settings.redirect.email": {"known": True}},
        {"settings.customer_route": "assign"},
        {"settings.ask_again": {"gte": 1}},
        {"attributes.size": {"gte": 10}, "attributes.kind": "big", "attributes.name": "$5"},
        {"any": [{"answer": "customer"}, {"conversation.stage": "new"}]},
        {"answer": "unclear", "any": [{"contact.kind": "lead", "office.open": True}]},
    ],
)
def test_valid_when_is_accepted(when: dict[str, Any]) -> None:
    facts = {
        "attributes.size": {"type": "integer"},
        "attributes.kind": {"type": "enum", "values": ["big", "small"]},
        "attributes.name": {"type": "string", "personal": False},
        "attributes.born": {"type": "integer", "personal": True},
    }
    source = document_with(facts=facts, rules=[{**RULE, "when": when}])
    assert check_document(source).complaints == ()


@pytest.mark.parametrize(
    "action",
    [
        "ask",
        "close_conversation",
        {"ask": None, "when": {"answer": "customer"}},
        {"assign": {"team": "a"}},
        {"assign": {"teammate": "a"}, "when": {"answer": "customer"}},
        {"assign": "$fallback_destination"},
        {"assign": {"team": "$customer_destination.team"}},
        {"add_tag": "lead"},
        {"add_tag": "$customer_route"},
        {"salesforce_lead": {}},
        {"salesforce_lead": {"fields": []}},
        {"salesforce_lead": {"fields": "$qualification_fields"}},
        {"send_message": "It costs $5."},
        {"send_message": {"message": "ask"}},
        {"note": {"message": "unverified"}},
        {"send_message": "{email}", "when": {"settings.redirect.email": {"known": True}}},
        {"send_message": "{email}", "when": {"any": [{"settings.enabled": False}]}},
        "$lead_follow_up",
    ],
)
def test_valid_action_is_accepted(action: Any) -> None:
    assert check_document(document_with(rules=[{**RULE, "actions": [action]}])).complaints == ()


def test_empty_list_is_refused_only_when_a_switch_needs_it() -> None:
    """Plans and languages may be empty.

    `contact_fields` may not, unless `collect_contact` is off.
    """
    assert check_document(document_with(settings={"entitled_plans": [], "languages": []})).document
    assert not check_document(document_with(settings={"contact_fields": []})).document
    off = {"contact_fields": [], "collect_contact": False}
    assert check_document(document_with(settings=off)).document


WRONG_PARTS: list[Any] = [
    *(None, True, 0, 1.5, "", "x", "$languages", "$ask_again", "$x", "$redirect.email"),
    *([], {}, [[]], ["$languages"], [None], [1], ["ask", "$lead_follow_up"], [{"message": 1}]),
    *({"any": []}, {"not": {}}, {"known": True}, {"language": "$languages"}, {"when": {}}),
    *({"ask": None}, {"": {}}, {"settings.redirect.email": "x"}, {"id": []}),
    {"settings.default_language": {"language": "$languages"}},
]
PARTS = st.sampled_from(WRONG_PARTS).map(copy.deepcopy)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every container of the tree with each of its keys or numbers."""
    if not isinstance(tree, dict | list):
        return []
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    return [(tree, key) for key in keys] + [place for key in keys for place in places(tree[key])]


@given(st.data())
@settings(max_examples=150)
def test_mutated_built_in_document_is_refused_or_decides(data: st.DataObject) -> None:
    tree = copy.deepcopy(dict(builtin.load_tree()))
    tree["tests"] = tree["tests"][:5]
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(tree)))
        if isinstance(container, dict) and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(["settings.languages", "any", "x", "when"]))
        container[key] = data.draw(PARTS)
    findings = check_document(read_value(tree))
    assert {complaint.code for complaint in findings.complaints} <= set(COMPLAINT_CODES)
    assert (findings.document is None) is bool(findings.complaints)
    if findings.document:
        own = findings.document.own_binding
        assert CompiledPolicy(own).decide(BASE_FACTS) == explain_ruling(own, BASE_FACTS).ruling


@given(st.recursive(PARTS, lambda p: st.lists(p) | st.dictionaries(st.text(), p), max_leaves=9))
@settings(deadline=None)
def test_check_never_fails_for_any_tree(tree: Any) -> None:
    for source in (read_value(tree), document_with(rules=tree), document_with(settings=tree)):
        assert isinstance(check_document(source), CheckResult)
    for part in ("guards", "otherwise", "answers", "messages", "facts", "tests", "properties"):
        assert isinstance(check_document(document_with(**{part: tree})), CheckResult)
