"""The words of the language, as tables. Code, checks, documentation and command line read them.

A *fact* is one typed value that a rule may test. A fact that is not known is absent from the
mapping of facts. Nothing else represents an unknown fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FORMAT = 1


class EventType(StrEnum):
    """The types of events."""

    STARTED = "conversation.started"
    REPLIED = "contact.replied"
    IDENTIFIED = "contact.identified"
    QUALIFIED = "qualification.completed"
    TEAMMATE_JOINED = "teammate.joined"
    CLOSED = "conversation.closed"
    EXPIRED = "question.expired"


class Stage(StrEnum):
    """The progress of the routing of one conversation."""

    NEW = "new"
    AWAITING_ANSWER = "awaiting_answer"
    AWAITING_CONTACT = "awaiting_contact"
    QUALIFYING = "qualifying"
    ROUTED = "routed"
    NOT_ROUTED = "not_routed"


WAITING_STAGES = frozenset({Stage.AWAITING_ANSWER, Stage.AWAITING_CONTACT, Stage.QUALIFYING})
"""The stages with a question out. The conversation keeps the version that asked."""


class Outcome(StrEnum):
    """The outcomes of decisions."""

    NOT_TRIGGERED = "not_triggered"
    ASK = "ask"
    CUSTOMER = "customer"
    LEAD = "lead"
    REDIRECT = "redirect"
    UNANSWERED = "unanswered"
    NOTED = "noted"


class AnswerChoice(StrEnum):
    """The answers of a contact to the question."""

    CUSTOMER = "customer"
    NOT_CUSTOMER = "not_customer"
    UNCLEAR = "unclear"


class FactType(StrEnum):
    """The types of facts."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    ENUM = "enum"
    WHOLE = "whole"
    """A setting that is a list or a mapping. A rule may only test if it is known."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name, its type, the values of an enum, and its meaning."""

    name: str
    type: FactType
    description: str
    values: tuple[str, ...] = ()
    personal: bool = False


def _enum_values(words: type[StrEnum]) -> tuple[str, ...]:
    return tuple(word.value for word in words)


EVENT_TYPE_FACT = "event.type"
STAGE_FACT = "conversation.stage"
LANGUAGE_FACT = "message.language"
TAG_FACTS = frozenset({LANGUAGE_FACT, "settings.default_language"})
"""Facts that are language tags if they are known."""

DIRECTIONS = ("inbound", "outbound")
CONTACT_KINDS = ("visitor", "lead", "user")
IDENTITIES = ("none", "claimed", "verified")
ANSWER_CHOICES = (AnswerChoice.CUSTOMER.value, AnswerChoice.NOT_CUSTOMER.value)

FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("event.type", FactType.ENUM, "type of the event", _enum_values(EventType)),
        Fact("workspace.plan", FactType.STRING, "plan of the workspace at the time of the event"),
        Fact(
            "conversation.direction",
            FactType.ENUM,
            "side that began the conversation; unknown if not given",
            DIRECTIONS,
        ),
        Fact("conversation.channel", FactType.STRING, "channel; messenger if not given"),
        Fact("conversation.assigned", FactType.BOOLEAN, "true if a teammate is assigned"),
        Fact("conversation.stage", FactType.ENUM, "progress of the routing", _enum_values(Stage)),
        Fact("conversation.asks", FactType.INTEGER, "number of earlier decisions with an ask"),
        Fact("contact.kind", FactType.ENUM, "kind of contact on the platform", CONTACT_KINDS),
        Fact("contact.identity", FactType.ENUM, "certainty of the contact's identity", IDENTITIES),
        Fact(
            "contact.reachable",
            FactType.BOOLEAN,
            "e-mail that HTML's `<input type=email>` accepts, or phone with at least 5 digits",
        ),
        Fact("message.language", FactType.STRING, "BCP 47 tag of the message"),
        Fact("answer", FactType.ENUM, "answer that the reply gives", _enum_values(AnswerChoice)),
        Fact("question.open", FactType.BOOLEAN, "true if the expired question is still open"),
        Fact("office.open", FactType.BOOLEAN, "true within office hours, or if none are set"),
        Fact("sample.bucket", FactType.INTEGER, "0 to 9,999; constant for a conversation"),
    )
}
"""The facts of every document. A document declares `attributes.*`; `settings.*` are its settings.
"""

DEFAULT_CHANNEL = "messenger"
ATTRIBUTE_TYPES = (FactType.ENUM, FactType.BOOLEAN, FactType.INTEGER, FactType.STRING)
BUCKET_COUNT = 10_000


class Operator(StrEnum):
    """The operators of a test that is a mapping."""

    __test__ = False  # pytest must not collect it as a test

    NOT = "not"
    KNOWN = "known"
    LANGUAGE = "language"
    GTE = "gte"
    GT = "gt"
    LTE = "lte"
    LT = "lt"


BOUND_OPERATORS = (Operator.GTE, Operator.GT, Operator.LTE, Operator.LT)


class ActionType(StrEnum):
    """The types of actions."""

    ASK = "ask"
    COLLECT_CONTACT = "collect_contact"
    QUALIFY = "qualify"
    ASSIGN = "assign"
    SEND_MESSAGE = "send_message"
    ADD_TAG = "add_tag"
    SALESFORCE_LEAD = "salesforce_lead"
    NOTE = "note"
    CLOSE_CONVERSATION = "close_conversation"


BARE_ACTIONS = frozenset(
    {
        ActionType.ASK,
        ActionType.COLLECT_CONTACT,
        ActionType.QUALIFY,
        ActionType.CLOSE_CONVERSATION,
    }
)
"""Actions written as a name alone. All others take an argument."""

QUESTION_ACTIONS = frozenset({ActionType.ASK, ActionType.COLLECT_CONTACT, ActionType.QUALIFY})
"""Actions that wait for something and therefore expire."""

FOLLOW_UP_ACTIONS = frozenset(
    {
        ActionType.ASSIGN,
        ActionType.ADD_TAG,
        ActionType.SALESFORCE_LEAD,
        ActionType.NOTE,
        ActionType.SEND_MESSAGE,
    }
)
"""Actions that `lead_follow_up` may list."""

MESSAGES_BY_ACTION: dict[ActionType, tuple[str, ...]] = {
    ActionType.ASK: ("ask", "customer", "not_customer"),
    ActionType.COLLECT_CONTACT: ("collect_contact",),
}
"""The message keys that an action uses by itself."""

TEXT_ACTIONS = (ActionType.SEND_MESSAGE, ActionType.NOTE)
"""Actions with a text, or with the key of a message."""

PLACEHOLDERS = ("email", "website", "phone")
"""The names that `{…}` in a message may have: the members of `settings.redirect`."""


class SettingType(StrEnum):
    """The types of settings."""

    BOOLEAN = "boolean"
    COUNT = "a whole number, 0 to 100"
    NAMES = "a list of names"
    RANGES = "a list of language ranges (RFC 4647)"
    TAG = "a language tag (BCP 47)"
    ROUTE = "assign or redirect"
    DESTINATION = "{team: …} or {teammate: …}"
    REDIRECT = "{email: …}, {website: …} or {phone: …}, or null"
    ACTIONS = "a list of follow-up actions"
    DURATION = "an ISO 8601 duration of weeks, days, hours, minutes and seconds"
    OFFICE_HOURS = "office hours, or null"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a document. The built-in document has its default."""

    name: str
    type: SettingType
    description: str


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("enabled", SettingType.BOOLEAN, "Route existing customers to support"),
        Setting("entitled_plans", SettingType.NAMES, "plans that include routing"),
        Setting("languages", SettingType.RANGES, "language ranges that routing supports"),
        Setting("detect_language", SettingType.BOOLEAN, "detect the language of untagged messages"),
        Setting("customer_route", SettingType.ROUTE, "assign customers, or redirect them"),
        Setting("customer_destination", SettingType.DESTINATION, "team or teammate for customers"),
        Setting("redirect", SettingType.REDIRECT, "address to which customers are redirected"),
        Setting("collect_contact", SettingType.BOOLEAN, "ask customers for contact details"),
        Setting("contact_fields", SettingType.NAMES, "details asked of customers"),
        Setting("default_language", SettingType.TAG, "language for texts without a translation"),
        Setting("qualify_leads", SettingType.BOOLEAN, "qualify leads before handing them over"),
        Setting("qualification_fields", SettingType.NAMES, "details asked of leads"),
        Setting("lead_follow_up", SettingType.ACTIONS, "actions carried out for a lead"),
        Setting("ask_again", SettingType.COUNT, "number of times the question is repeated"),
        Setting(
            "answer_within", SettingType.DURATION, "time to answer before the question expires"
        ),
        Setting(
            "fallback_destination",
            SettingType.DESTINATION,
            "team or teammate for contacts who never answered",
        ),
        Setting("office_hours", SettingType.OFFICE_HOURS, "hours in which the office is open"),
    )
}

SETTING_FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("settings.enabled", FactType.BOOLEAN, "the setting"),
        Fact("settings.entitled_plans", FactType.WHOLE, "the setting"),
        Fact("settings.languages", FactType.WHOLE, "the setting"),
        Fact("settings.detect_language", FactType.BOOLEAN, "the setting"),
        Fact("settings.customer_route", FactType.ENUM, "the setting", ("assign", "redirect")),
        Fact("settings.customer_destination", FactType.WHOLE, "the setting"),
        Fact("settings.customer_destination.team", FactType.STRING, "its team"),
        Fact("settings.customer_destination.teammate", FactType.STRING, "its teammate"),
        Fact("settings.redirect", FactType.WHOLE, "the setting"),
        Fact("settings.redirect.email", FactType.STRING, "its e-mail address"),
        Fact("settings.redirect.website", FactType.STRING, "its website"),
        Fact("settings.redirect.phone", FactType.STRING, "its phone number"),
        Fact("settings.collect_contact", FactType.BOOLEAN, "the setting"),
        Fact("settings.contact_fields", FactType.WHOLE, "the setting"),
        Fact("settings.default_language", FactType.STRING, "the setting"),
        Fact("settings.qualify_leads", FactType.BOOLEAN, "the setting"),
        Fact("settings.qualification_fields", FactType.WHOLE, "the setting"),
        Fact("settings.lead_follow_up", FactType.WHOLE, "the setting"),
        Fact("settings.ask_again", FactType.INTEGER, "the setting"),
        Fact("settings.answer_within", FactType.STRING, "the setting"),
        Fact("settings.fallback_destination", FactType.WHOLE, "the setting"),
        Fact("settings.fallback_destination.team", FactType.STRING, "its team"),
        Fact("settings.fallback_destination.teammate", FactType.STRING, "its teammate"),
        Fact("settings.office_hours", FactType.WHOLE, "the setting"),
        Fact("settings.office_hours.time_zone", FactType.STRING, "its time zone"),
    )
}
