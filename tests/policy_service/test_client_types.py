"""The client's types and the API's schemas describe the same answers."""

from __future__ import annotations

import inspect
from typing import Any, NotRequired, get_origin, get_type_hints, is_typeddict

import pytest

from policy_service import client_types
from tests.policy_service.openapi_description import description_at

VIEWS = [view for _, view in inspect.getmembers(client_types, is_typeddict)]
NAMES = {
    "ReasonsView": "Explanation",
    "RulingView": "Decision",
}
"""The schemas of views that are parts of other views."""


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_client_type_has_the_members_of_its_schema(view: Any) -> None:
    name = view.__name__
    schema = description_at("components", "schemas", NAMES.get(name, name.removesuffix("View")))
    members, required = set(schema["properties"]), set(schema["required"])
    if name in NAMES:
        assert set(view.__annotations__) <= members
    else:
        assert set(view.__annotations__) == members
        hints = get_type_hints(view, include_extras=True).items()
        assert {member for member, kind in hints if get_origin(kind) is not NotRequired} == required
