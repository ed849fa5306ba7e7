"""The comparison with Jumpseller's own OpenAPI description reports every difference, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.jumpseller_calls import CALLS
from tests.contract.openapi import ACCEPTED_DIFFERENCES, accepted_reason, call_differences
from tests.contract.platform_shop import Exchange

NOTE = Exchange(
    "POST",
    "/v1/orders/7/history.json",
    [],
    {},
    {"order_history": {"message": "x"}},
    200,
    {"order_history": {}},
)


def described(**changes: Any) -> dict[str, Any]:
    """Return a description of that one call, changed in one point."""
    fields = {"type": "object", "properties": {"message": {"type": "string"}}}
    operation: dict[str, Any] = {
        "security": [{"OAuth2": ["write_orders"]}],
        "requestBody": {
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"order_history": {"$ref": "#/components/fields"}},
                    }
                }
            }
        },
        "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
    }
    return {
        "paths": {"/orders/{id}/history.json": {"post": {**operation, **changes}}},
        "components": {"fields": fields},
    }


def test_a_call_as_described_has_no_difference() -> None:
    assert list(call_differences(NOTE, described())) == []


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        ({"paths": {}}, "not described"),
        (
            described(security=[{"OAuth2": ["read_orders"]}]),
            "scope write_orders where read_orders is described",
        ),
        (described(security=[]), "scope write_orders where none is described"),
        (described(requestBody={}), "a body in JSON is not described"),
        (described(responses={}), "answer 200 is not described"),
    ],
)
def test_a_call_that_differs_from_its_description_is_reported(whole: dict[str, Any], said: str) -> None:
    assert list(call_differences(NOTE, whole)) == [f"POST /orders/{{id}}/history.json: {said}"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"order_history": {"message": 7}}, "message is no string"),
        ({"order_history": {"message": "x", "log": {}}}, "order_history has log, which is not described"),
        ({"note": {}}, "body has note, which is not described"),
        ([], "body is no object"),
    ],
)
def test_a_body_that_differs_from_its_description_is_reported(sent: Any, said: str) -> None:
    exchange = Exchange(NOTE.method, NOTE.path, [], {}, sent, 200, {})
    assert list(call_differences(exchange, described())) == [f"POST /orders/{{id}}/history.json: {said}"]


def test_an_undescribed_query_is_reported() -> None:
    exchange = Exchange(NOTE.method, NOTE.path, [("page", "1")], {}, NOTE.sent, 200, {})
    assert list(call_differences(exchange, described())) == [
        "POST /orders/{id}/history.json: query page is not described"
    ]


def test_an_undescribed_part_of_an_answer_is_reported() -> None:
    answer = {"type": "array", "items": {"properties": {"tax": {"properties": {"name": {"type": "string"}}}}}}
    whole = {
        "paths": {
            "/taxes.json": {
                "get": {
                    "security": [{"OAuth2": ["read_taxes"]}],
                    "responses": {"200": {"content": {"application/json": {"schema": answer}}}},
                }
            }
        }
    }
    found = list(call_differences(Exchange("GET", "/v1/taxes.json", [], {}, None, 200, []), whole))
    assert "GET /taxes.json: answer has no tax.tax_amount" in found
    assert not any(one.endswith("tax.name") for one in found)


def test_every_accepted_difference_is_of_a_call_that_is_made() -> None:
    assert all(pattern.startswith("*") or pattern.split(":")[0] in CALLS for pattern in ACCEPTED_DIFFERENCES)
    assert accepted_reason("GET /taxes.json: not described") is None
