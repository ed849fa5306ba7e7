"""The cassettes themselves: every API has one, and none contains a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.igest.entities import initial_entities
from sandbox.phcgo.program_state import PASSWORD
from shopapp.platforms import PLATFORMS
from shopapp.providers import PROVIDERS
from tests.contract.cassette import CASSETTES, scrub_interaction, texts
from tests.contract.igest_account import IGestAccount

ALL = sorted(CASSETTES.rglob("*.json"))
SEED = "1480"
NOT_HERE = re.compile(r"127\.0\.0\.1|localhost|/(home|root|tmp|work)/")
FORTY = re.compile(r"\b[0-9a-fA-F]{40}\b")


def test_every_api_has_a_cassette() -> None:
    assert {path.parent.name for path in ALL} == {*PLATFORMS, *PROVIDERS, "vies"}


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_secret_and_no_address_of_this_machine_survives_in_a_cassette(path: Path) -> None:
    secrets = {secret for entity in initial_entities() for secret in entity.keys(SEED)}
    # Each token of PHC GO's stand-in begins like this, plain and form-encoded.
    secrets |= {PASSWORD, "q+7/", "q%2B7%2F"}
    for where, text in texts(path):
        assert not any(secret in text for secret in secrets), where
        assert not NOT_HERE.search(text), where


@pytest.mark.parametrize(
    "path", [path for path in ALL if path.parent.name == "igest"], ids=lambda path: path.stem
)
def test_every_key_in_a_cassette_of_igest_is_one_that_opens_nothing(path: Path) -> None:
    harmless = {str(digit) * 40 for digit in range(10)}
    for where, text in texts(path):
        for found in FORTY.findall(re.sub(r"<chave>[0-9a-f]{40}</chave>", "", text)):
            assert found in harmless, where


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_address_in_a_cassette_carries_a_query_with_a_key(path: Path) -> None:
    for where, text in texts(path):
        for url in re.findall(r"https?://\S+\?\S+", text):
            assert not FORTY.search(url), where


def test_a_recording_is_scrubbed_everywhere() -> None:
    key, stand_in = "ab" * 20, IGestAccount.cassette_keys["key"]
    body = {"encoding": "utf-8", "base64_string": "YWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYg=="}
    part = {"headers": {"X": [f"a {key}"], "Date": ["now"], "Content-Length": ["40"]}, "body": body}
    kept = scrub_interaction(
        {
            "request": {**part, "uri": f"https://x/{key}", "method": "POST"},
            "response": {**part, "url": f"https://x/{key}", "status": {"code": 200, "message": key}},
        },
        lambda text: text.replace(key, stand_in),
    )
    assert key not in str(kept)
    assert "Date" not in kept["request"]["headers"]
    assert "YWJhYmFi" not in str(kept)
