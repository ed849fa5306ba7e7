"""Compare the stand-in with Jumpseller's own OpenAPI file: `python -m sandbox.jumpseller.openapi FILE`.

Makes every call of the stand-in once, in this process, and compares path, scope and answer. Uses no network.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from sandbox.core.storage import Json

from . import components_of, create_app
from .oauth_tokens import SCOPES
from .openapi_samples import SAMPLES, prepare_data

# Intended differences, as they are printed, each with its reason.
KNOWN_DIFFERENCES = {
    "* null where *": "the description knows no null; recorded orders have them everywhere",
    "GET /store/info.json: more: checkout_version": "named in the official skill, not in the description",
    "GET /store/info.json: more: mobile_app_version": "named in the official skill, not in the description",
    "GET /orders/after/{}.json: list where *": "described as one order, consumed as a list; switch orders-after",
    "*: more: *.products[].tax": "seen in recorded orders and the hooks page, not described",
    "*: more: *.products[].files": "seen in recorded orders and the hooks page, not described",
    "*: more: *.products[].type": "seen in a recorded order of 2026, not described",
    "*: more: *.products[].options": "seen in a recorded order of 2026, not described",
    "*: more: *.customer.phone_prefix": "seen in recorded orders, not described",
    "*: more: *.customer.ip": "seen in recorded orders, not described",
    "*: more: *hook.application_id": "shown by the official skill, not described",
    "*: *document.document_type: * is not one of *": "the description lists texts for an integer",
    "*: *order.shipment_status: * is not one of *": "translated in every recorded order; the enum is beside it",
    "*: more: *product.currency": "named by the official skill, not described",
    "*: more: *product.fields": "named by the official skill, not described",
    "GET /customers/*: *": "an invoicing application takes the buyer from the order",
    "GET /customers.json: *": "an invoicing application takes the buyer from the order",
}
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
TYPE_NAMES = {dict: "object", list: "list", str: "text", bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True)
class Call:
    """A call of the stand-in: method, path with each variable as `{}`, and the required scope."""

    method: str
    path: str
    scope: str | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def calls(app: Flask) -> list[Call]:
    """Return every call under /v1 of the stand-in."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/v1/") and not rule.endpoint.endswith(".nowhere"):
            path = re.sub(r"<[^>]*>", "{}", rule.rule.removeprefix("/v1"))
            scope = getattr(app.view_functions[rule.endpoint], "scope", None)
            found += [Call(method, path, scope) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return sorted(found, key=str)


def _resolve_ref(schema: Json, whole: Json) -> Json:
    while "$ref" in schema:
        at = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        schema = at
    return schema


def differences(value: Json, schema: Json, whole: Json, at: str = "") -> Iterator[str]:
    """Yield how the value differs from the schema: types, missing and additional fields, values not listed."""
    schema = _resolve_ref(schema, whole)
    kind = schema.get("type")
    if value is None:
        yield f"{at}: null where {kind or 'anything'} is described"
        return
    if kind and (not isinstance(value, JSON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{at}: {TYPE_NAMES[type(value)]} where {kind} is described".removeprefix(": ")
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, list) and "items" in schema:
        for item in value[:3]:
            yield from differences(item, schema["items"], whole, f"{at}[]")
    if isinstance(value, dict) and "properties" in schema:
        described = schema["properties"]
        for name in described.keys() - value.keys():
            yield f"missing: {at}.{name}".replace(" .", " ")
        for name in value.keys() - described.keys():
            yield f"more: {at}.{name}".replace(" .", " ")
        for name in value.keys() & described.keys():
            yield from differences(value[name], described[name], whole, f"{at}.{name}".lstrip("."))


def _operation(call: Call, whole: Json) -> Json | None:
    for path, operations in whole["paths"].items():
        if re.sub(r"\{[^}]*\}", "{}", path) == call.path:
            return operations.get(call.method.lower())
    return None


def _scope_differences(call: Call, operation: Json) -> Iterator[str]:
    lists = [one["OAuth2"] for one in operation.get("security", []) if "OAuth2" in one]
    described = lists[0] if lists else []
    if sorted(described) != ([call.scope] if call.scope else []):
        yield f"scope {call.scope} where {', '.join(described) or 'none'} is described"


def compare_all(app: Flask, browser: FlaskClient, whole: Json) -> list[str]:
    """Return every difference between the stand-in and the description, one line each, without repetition."""
    components_of(app).switches.set("rate-limits", "off")
    token, names = prepare_data(app)
    found = []
    for call in calls(app):
        operation = _operation(call, whole)
        if operation is None:
            found.append(f"{call}: not described")
            continue
        found += [f"{call}: {one}" for one in _scope_differences(call, operation)]
        sample = SAMPLES[str(call)]
        answer = browser.open(
            "/v1" + sample.path.format(**names),
            method=call.method,
            json=json.loads(sample.body % names) if sample.body else None,
            headers={"Authorization": f"Bearer {token}"},
        )
        described = operation["responses"].get(str(answer.status_code), {})
        if answer.status_code != 200 or not described:
            found.append(f"{call}: answered {answer.status_code}")
            continue
        schema = (described.get("content") or {}).get("application/json", {}).get("schema")
        if schema:
            found += [f"{call}: {one}" for one in differences(answer.json, schema, whole)]
    return list(dict.fromkeys(found))


def known_reason(difference: str) -> str | None:
    """Return why the difference is intended, or None when it is not."""
    return next(
        (
            why
            for pattern, why in KNOWN_DIFFERENCES.items()
            if fnmatchcase(difference, _escape_brackets(pattern))
        ),
        None,
    )


def _escape_brackets(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def main(path: Path) -> int:
    """Print every difference; return 1 when one is not intended, else 0."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    app = create_app(None, "http://127.0.0.1:1", "http://localhost:1")
    found = compare_all(app, app.test_client(), whole)
    described = whole["components"]["securitySchemes"]["OAuth2"]["flows"]["authorizationCode"]["scopes"]
    found += [f"scopes: {name} is known on one side only" for name in sorted(SCOPES ^ set(described))]
    components_of(app).close()
    unknown = [one for one in found if not known_reason(one)]
    for why in sorted({known_reason(one) or "" for one in found} - {""}):
        print(f"known: {why} ({sum(known_reason(one) == why for one in found)})")
    for one in unknown:
        print(f"DIFFERENT: {one}")
    print(f"{len(calls(app))} calls compared, {len(found)} differences, {len(unknown)} of them not known.")
    return 1 if unknown else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the description: python -m sandbox.jumpseller.openapi FILE")
    sys.exit(main(Path(sys.argv[1])))
