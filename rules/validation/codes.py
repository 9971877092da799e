"""The codes of complaints about documents. A code never changes its meaning."""

from __future__ import annotations

COMPLAINT_CODES: dict[str, str] = {
    # The text.
    "document_too_large": "The text has more than 1 MiB.",
    "not_utf_8": "The text is not UTF-8.",
    "not_json": "The text is not JSON.",
    "not_yaml": "The text is not YAML.",
    "bad_character": "The text contains an unescaped control character or line separator.",
    "lone_surrogate": "An escape in a text is not a character, such as half a surrogate pair.",
    "number_out_of_range": "A number is not finite, or an integer is beyond 2^53 - 1.",
    "duplicate_key": "A mapping has the same key twice.",
    "key_not_text": "A key is not a text but a number, true, false, null, a list or a mapping.",
    "alias": "The text uses an anchor (`&`) or alias (`*`) of YAML.",
    "tag": "The text uses a tag (`!`) of YAML.",
    "directive": "The text uses a directive (`%`) of YAML other than `%YAML 1.2`.",
    "many_documents": "The text contains more than one YAML document.",
    "too_deep": "Lists and mappings are nested too deep.",
    # The shape.
    "wrong_type": "A value does not have the type that its place or its fact needs.",
    "unknown_key": "A mapping has a key that is not allowed in its place.",
    "missing_key": "A required key is missing.",
    "unknown_format": "The format is not 1.",
    "empty_text": "A text is empty or blank.",
    "empty_list": "A list is empty, so nothing could match it.",
    "too_long": "A text or key has too many characters.",
    "too_many": "A list or mapping has too many items.",
    "out_of_range": "A number is too small or too large for its setting.",
    "malformed_id": "The id of a guard, rule or property is malformed, or is `otherwise`.",
    "malformed_reason": "A reason is malformed.",
    "duplicate_id": "Two rules or two properties have the same id, or two tests the same name.",
    "unknown_outcome": "The outcome does not exist.",
    "unknown_stage": "The stage does not exist.",
    # Facts and tests of facts.
    "malformed_fact": "The name of a declared fact is not `attributes.` and a name.",
    "unknown_type": "The type of a declared fact does not exist.",
    "missing_values": "A declared enum has no values.",
    "unknown_fact": "The fact does not exist and is not declared.",
    "personal_fact": "A personal fact is tested or given.",
    "empty_when": "A `when`, or one of its alternatives, is empty and so always holds.",
    "nested_any": "An `any` is inside another `any`.",
    "null_test": "A fact is compared with null.",
    "empty_test": "A test is an empty mapping.",
    "unknown_operator": "The operator does not exist.",
    "operators_together": "Operators are combined that cannot be combined.",
    "wrong_operator": "An operator does not fit the type of its fact.",
    "not_in_enum": "A value is not one of the values of its fact or setting.",
    "malformed_range": "A text is not a language range (RFC 4647).",
    # Settings, and references to them.
    "unknown_setting": "The setting does not exist.",
    "wrong_reference": "`$name` refers to a setting whose type does not fit.",
    "unset_reference": "An action refers to a setting that is not set.",
    "reference_in_setting": "A setting refers to another setting.",
    "malformed_tag": "A text is not a language tag (BCP 47).",
    "malformed_duration": "A text is not an ISO 8601 duration of at most 366 days.",
    "redirect_missing": "The settings redirect customers but set no address.",
    "redirect_malformed": "A redirect is not one well-formed address.",
    "office_hours_unsupported": "Office hours are set, which is not supported yet.",
    "contradicting_settings": "A setting contradicts another.",
    # Actions.
    "unknown_action": "The action does not exist, or is not allowed in its place.",
    "not_one_action": "A mapping does not contain exactly one action.",
    "wrong_argument": "The argument does not fit the action.",
    # Answers and messages.
    "unknown_choice": "Phrases are listed for an answer that does not exist.",
    "empty_phrase": "A phrase has only punctuation and symbols.",
    "phrase_in_both": "Both answers list the same phrase.",
    "duplicate_language": "Two keys of `messages` are the same language.",
    "malformed_key": "The key of a message is malformed.",
    "unknown_placeholder": "A text has a placeholder that does not exist.",
    "stray_brace": "A text has a brace or a marker that is not part of a placeholder.",
    "unknown_message": "An action uses a message that does not exist.",
    "missing_text": "A message has no text for `default_language`.",
    "missing_placeholder": "A text has a placeholder that the redirect does not set.",
    # Tests and properties.
    "unknown_rule": "A test or property names a rule that does not exist.",
    "empty_expectation": "A test expects nothing.",
    "test_failed": "A test of the document fails.",
    "property_broken": "A property of the document does not hold.",
    "property_undecided": "A property was neither proved nor broken within the maximum of steps.",
}

NOTICE_CODES: dict[str, str] = {
    "rule_untested": "No test of the document reaches the rule.",
}
"""Codes of notices, which do not refuse a document."""
