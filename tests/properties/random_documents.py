"""Random documents of format 1, and facts that often match their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.model.vocabulary import FACTS, SETTING_FACTS, FactType, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from rules.model.document import Scalar
    from rules.model.vocabulary import Fact

DECLARED: dict[str, dict[str, Any]] = {
    "attributes.tier": {"type": "enum", "values": ["gold", "silver"]},
    "attributes.trial": {"type": "boolean"},
    "attributes.seats": {"type": "integer"},
    "attributes.source": {"type": "string"},
    "attributes.salary": {"type": "integer", "personal": True},
}
TAGS = ("en", "en-GB", "enm", "de-Latn-DE", "fr")
RANGES = ("en", "*", "de-DE", "fr", "EN-gb")
WORDS = ("pro", "starter", "")
NUMBERS = (-1, 0, 1, 2, 3)
STRAYS: tuple[Scalar, ...] = ("new", "pro", "en", "", True, False, 0, 1, 2, 0.0, 1.0, 2.5)
REFERENCES = (
    "$enabled",
    "$entitled_plans",
    "$customer_route",
    "$redirect.email",
    "$default_language",
    "$ask_again",
    "$customer_destination.team",
)
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"redirect": None, "languages": []},
    {"redirect": {"email": "pro"}, "ask_again": 2, "entitled_plans": ["pro", "en"]},
)
OFTEN = ("conversation.stage", "event.type", "workspace.plan", "message.language", "answer")
ACTIONS: tuple[Any, ...] = (
    "ask",
    "collect_contact",
    "qualify",
    "close_conversation",
    "$lead_follow_up",
    {"add_tag": "a"},
    {"assign": "$customer_destination"},
    {"note": "Look"},
)


def _values(fact: Fact) -> tuple[Scalar, ...]:
    match fact.type:
        case FactType.ENUM:
            return fact.values
        case FactType.BOOLEAN | FactType.WHOLE:
            return (True, False)
        case FactType.INTEGER:
            return NUMBERS
        case FactType.STRING:
            return (*TAGS, *WORDS)


VALUES: dict[str, tuple[Scalar, ...]] = {
    **{name: _values(fact) for name, fact in (FACTS | SETTING_FACTS).items()},
    "attributes.tier": ("gold", "silver"),
    "attributes.trial": (True, False),
    "attributes.seats": NUMBERS,
    "attributes.source": WORDS,
}
NAMES = tuple(sorted(VALUES))


@dataclass(frozen=True)
class Drawing:
    """A drawer of documents and facts from one source of random numbers."""

    random: Random

    def name(self) -> str:
        return self.random.choice(OFTEN if self.random.random() < 0.6 else NAMES)

    def value(self, name: str) -> Scalar:
        return self.random.choice(VALUES[name] if self.random.random() < 0.85 else STRAYS)

    def facts(self) -> dict[str, Scalar]:
        """Facts of any kind: known or not, of their own type or of another."""
        known = {name for name in OFTEN if self.random.random() < 0.8}
        known |= {name for name in NAMES if self.random.random() < 0.5}
        return {name: self.value(name) for name in sorted(known)}

    def document(self, rules: int) -> dict[str, Any]:
        made = [self.rule(number) for number in range(rules)]
        guards = self.random.randint(0, rules)
        return {
            "format": 1,
            "settings": self.random.choice(SETTINGS),
            "facts": DECLARED,
            "guards": made[:guards],
            "rules": made[guards:],
            "otherwise": {"outcome": "noted", "reason": "none", "actions": self.actions()},
        }

    def rule(self, number: int) -> dict[str, Any]:
        rule = {
            "id": f"rule-{number}",
            "when": self.when(),
            "outcome": str(self.random.choice(tuple(Outcome))),
            "reason": f"reason_{number}",
            "actions": self.actions(),
        }
        stage = {"stage": str(self.random.choice(tuple(Stage)))}
        return rule | (stage if self.random.random() < 0.5 else {})

    def actions(self) -> list[Any]:
        return [self.action() for _ in range(self.random.choice((0, 0, 1, 2)))]

    def action(self) -> Any:
        action = self.random.choice(ACTIONS)
        conditional = isinstance(action, dict) and self.random.random() < 0.6
        return {**action, "when": self.when()} if conditional else action

    def when(self) -> dict[str, Any]:
        when: dict[str, Any] = self.conjunction()
        if self.random.random() < 0.25:
            when["any"] = [self.conjunction() for _ in range(self.random.randint(1, 3))]
        return when

    def conjunction(self) -> dict[str, Any]:
        names = [self.name() for _ in range(self.random.choice((1, 1, 2, 3)))]
        return {name: self.test(name) for name in names}

    def test(self, name: str) -> Any:
        """Any test, as a document writes it."""
        plain: tuple[Callable[[str], Any], ...] = (
            self.wanted,
            self.wanted,
            self.one_of,
            self.one_of,
            self.known,
            self.bounds,
            self.language,
        )
        test = self.random.choice(plain)(name)
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            test = {"not": test}
        return test

    def wanted(self, name: str) -> Scalar:
        return self.random.choice(REFERENCES) if self.random.random() < 0.1 else self.value(name)

    def one_of(self, name: str) -> list[Scalar]:
        return [self.wanted(name) for _ in range(self.random.choice((0, 1, 2, 2, 3, 4)))]

    def known(self, _: str) -> Mapping[str, bool]:
        return {"known": self.random.random() < 0.5}

    def bounds(self, _: str) -> Mapping[str, Scalar]:
        chosen = self.random.sample(("gte", "gt", "lte", "lt"), self.random.randint(1, 2))
        return {bound: self.random.choice((*NUMBERS, 1.5, "$ask_again")) for bound in chosen}

    def language(self, _: str) -> Mapping[str, Any]:
        ranges = (*RANGES, "$default_language", "$redirect.email")
        if self.random.random() < 0.3:
            return {"language": self.random.choice((*ranges, "$entitled_plans", "$languages"))}
        return {"language": [self.random.choice(ranges) for _ in range(self.random.randint(0, 3))]}
