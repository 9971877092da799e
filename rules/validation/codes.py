"""The codes of complaints about documents. A code never changes its meaning."""

from __future__ import annotations

COMPLAINT_CODES: dict[str, str] = {
    # The text.
    "document_too_large": "The text has more than 1 MiB.",
    "not_utf_8": "The text is not UTF-8.",
    "not_json": "The text is not JSON.",
    "not_yaml": "The text is not YAML.",
    "bad_character": "A control character or line separator stands in the text as it is.",
    "lone_surrogate": "An escape in a text is no character.",
    "number_out_of_range": "A number is not finite, or an integer lies beyond 2^53 - 1.",
    "duplicate_key": "A mapping has the same key twice.",
    "key_not_text": "A key is a number, true, false, null, a list or a mapping.",
    "alias": "An anchor (`&`) or alias (`*`) of YAML is used.",
    "tag": "A tag (`!`) of YAML is used.",
    "directive": "A directive (`%`) of YAML is used, other than `%YAML 1.2`.",
    "many_documents": "The text holds more than one YAML document.",
    "too_deep": "Lists and mappings are nested too deep.",
    # The shape.
    "wrong_type": "A value has another type than its place or its fact.",
    "unknown_key": "A key that has no meaning there.",
    "missing_key": "A key that is required is missing.",
    "unknown_format": "The format is not 1.",
    "empty_text": "A text is empty or blank.",
    "empty_list": "A list is empty where it would hold for nothing.",
    "too_long": "A text or key has too many characters.",
    "too_many": "There are too many of something.",
    "out_of_range": "A number is too small or too large for its setting.",
    "malformed_id": "An id of a guard or rule is not written as ids are, or is `otherwise`.",
    "malformed_reason": "A reason is not written as reasons are.",
    "duplicate_id": "Two guards or rules have the same id, or two tests the same name.",
    "unknown_outcome": "There is no such outcome.",
    "unknown_stage": "There is no such stage.",
    # Facts and tests of facts.
    "malformed_fact": "A declared fact is not `attributes.` and a name.",
    "unknown_type": "A declared fact has a type that there is not.",
    "missing_values": "A declared enum has no values.",
    "unknown_fact": "There is no such fact, and none was declared.",
    "personal_fact": "A personal fact is tested or given.",
    "empty_when": "A `when`, or an alternative in it, asks nothing and so always holds.",
    "nested_any": "An `any` stands inside another.",
    "null_test": "A fact is compared with null.",
    "empty_test": "A test is an empty mapping.",
    "unknown_operator": "There is no such operator.",
    "operators_together": "Operators stand together that may not.",
    "wrong_operator": "An operator does not fit the type of its fact.",
    "not_in_enum": "A value is none of those the fact or setting can have.",
    "malformed_range": "A text is no language range (RFC 4647).",
    # Settings, and references to them.
    "unknown_setting": "There is no such setting.",
    "wrong_reference": "`$name` names a setting of a type that does not fit there.",
    "unset_reference": "An action takes its argument from a setting that is not set.",
    "reference_in_setting": "A setting refers to another setting.",
    "malformed_tag": "A text is no language tag (BCP 47).",
    "malformed_duration": "A text is no ISO 8601 duration, or not one of up to 366 days.",
    "redirect_missing": "Customers are to be redirected, and there is no redirect.",
    "redirect_malformed": "A redirect is not one well-formed address.",
    "office_hours_unsupported": "Office hours are set, which cannot be yet.",
    "contradicting_settings": "A setting contradicts another.",
    # Actions.
    "unknown_action": "There is no such action, or not there.",
    "not_one_action": "A mapping holds no action, or more than one.",
    "wrong_argument": "An action has another argument than it takes.",
    # Answers and messages.
    "unknown_choice": "There is no such answer to list phrases for.",
    "empty_phrase": "Nothing is left of a phrase without punctuation and symbols.",
    "phrase_in_both": "Both answers list the same phrase.",
    "duplicate_language": "Messages stand under the same language twice.",
    "malformed_key": "The key of a message is not written as keys are.",
    "unknown_placeholder": "Nothing fills in a placeholder of a text.",
    "unknown_message": "An action uses a message that there is not.",
    "missing_text": "A message has no text that is reachable from `default_language`.",
    "missing_placeholder": "The redirect has nothing to fill in a placeholder with.",
    # Tests and properties.
    "unknown_rule": "A test expects a rule that there is not.",
    "empty_expectation": "A test expects nothing.",
    "test_failed": "A test of the document fails.",
    "property_broken": "A property of the document does not hold.",
    "property_undecided": "A property could be neither proved nor broken in so many steps.",
}

NOTICE_CODES: dict[str, str] = {
    "rule_untested": "No test of the document is decided by the rule.",
}
"""Codes of notices, which do not refuse a document."""
