"""The comparison with Jumpseller's description finds every difference, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.jumpseller.openapi import calls, compare_all, differences, known_reason, main
from sandbox.jumpseller.openapi_samples import SAMPLES
from tests.sandbox.jumpseller_client import open_client

TAX = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "rate": {"type": "number"}},
}
WHOLE: dict[str, Any] = {"components": {"schemas": {"Tax": TAX}}}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"id": 1, "name": "IVA", "rate": 23}, []),
        ({"id": 1, "name": "IVA", "rate": "23"}, ["rate: text where number is described"]),
        ({"id": True, "name": "IVA", "rate": 1.0}, ["id: boolean where integer is described"]),
        ({"id": 1, "name": "IVA"}, ["missing: rate"]),
        ({"id": 1, "name": None, "rate": 1, "x": 1}, ["more: x", "name: null where string is described"]),
        ([], ["list where object is described"]),
    ],
)
def test_each_kind_of_difference_is_named(value: Any, found: list[str]) -> None:
    told = differences(value, {"$ref": "#/components/schemas/Tax"}, WHOLE)
    assert sorted(one.replace(" .", " ").replace(": .", ": ") for one in told) == sorted(found)


def test_items_of_a_list_are_compared() -> None:
    schema = {"type": "array", "items": {"type": "string", "enum": ["a"]}}
    assert list(differences(["a", "b", 1], schema, {})) == [
        "[]: 'b' is not one of ['a']",
        "[]: integer where string is described",
    ]


def test_every_call_has_a_sample_and_no_sample_is_left_over() -> None:
    with open_client() as caller:
        assert {str(call) for call in calls(caller.app)} == set(SAMPLES)


def description() -> dict[str, Any]:
    """Return a description in which each call has the right path and scope, and no description of its answer."""
    paths: dict[str, Any] = {}
    with open_client() as caller:
        for call in calls(caller.app):
            security = [{"OAuth2": [call.scope] if call.scope else []}]
            operation = {"security": security, "responses": {"200": {}}}
            operation["responses"] = {"200": {"description": "OK"}}
            paths.setdefault(call.path.replace("{}", "{id}"), {})[call.method.lower()] = operation
    return {"paths": paths, "components": {"schemas": {}}}


def test_paths_and_scopes_are_compared() -> None:
    whole = description()
    del whole["paths"]["/documents.json"]
    whole["paths"]["/locations.json"]["get"]["security"] = [{"OAuth2": ["read_locations"]}]
    with open_client() as caller:
        assert compare_all(caller.app, caller.browser, whole) == [
            "GET /documents.json: not described",
            "GET /locations.json: scope read_store where read_locations is described",
        ]


def test_only_known_differences_have_a_reason() -> None:
    assert known_reason("GET /orders.json: more: [].order.products[].tax")
    assert known_reason("GET /orders.json: [].order.billing_address: null where object is described")
    assert known_reason("GET /orders.json: missing: [].order.total") is None
    assert known_reason("GET /refunds.json: not described") is None


def test_the_command_fails_on_an_unknown_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = description()
    flows = {"authorizationCode": {"scopes": {}}}
    whole["components"]["securitySchemes"] = {"OAuth2": {"flows": flows}}
    path = tmp_path / "description.json"
    path.write_text(json.dumps(whole))
    assert main(path) == 1
    told = capsys.readouterr().out
    assert "DIFFERENT: scopes: read_orders is known on one side only" in told
