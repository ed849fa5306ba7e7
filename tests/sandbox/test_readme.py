"""sandbox/README.md lists exactly the switches, faults and limits that the stand-ins have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.jumpseller.faults import KINDS
from sandbox.jumpseller.seed import PLACES
from sandbox.readme_tables import TABLES, fill_tables
from tests.sandbox import jumpseller_client, shopkit_client

README = (Path(__file__).parents[2] / "sandbox" / "README.md").read_text(encoding="utf-8")


def test_the_tables_of_switches_are_those_in_force() -> None:
    assert fill_tables(README) == README, "run: python -m sandbox.readme_tables"
    assert README.count("<!-- switches: ") == len(TABLES)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_switch_that_the_page_does_not_have_is_noticed(name: str) -> None:
    row = f"| `{TABLES[name][0].name}` |"
    assert fill_tables(README.replace(row, "| `older` |")) == README


def test_the_readme_names_every_kind_of_fault_and_every_sample_address() -> None:
    words = set(re.findall(r"[\w-]+", README))
    assert set(KINDS) <= words
    assert set(PLACES) <= words


def test_the_readme_names_every_control_route() -> None:
    with jumpseller_client.open_client() as caller, shopkit_client.open_client() as other:
        rules = [rule.rule for app in (caller.app, other.app) for rule in app.url_map.iter_rules()]
    routes = [rule for rule in rules if rule.startswith("/sandbox/")]
    for route in routes:
        parts = [part for part in route.split("/") if part and not part.startswith("<")]
        assert parts[-1] in README, route
