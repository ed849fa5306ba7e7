"""Cassettes: recorded HTTP exchanges without secrets, replayed byte for byte.

A cassette answers only exactly the bytes that it was recorded with; after a change to a request, record it
again (`make record`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import betamax
import pytest
import requests
from betamax.exceptions import BetamaxError
from betamax.matchers.base import BaseMatcher
from betamax.util import deserialize_prepared_request

CASSETTES = Path(__file__).parent / "cassettes"
MODE = {"record": False}
"""Only `tests.contract.record` sets it."""
also_replayed = pytest.mark.parametrize("mode", ["live", "replayed"], indirect=True)
"""Marks a test that also runs on its cassette; every test runs live against the stand-in."""
# A fixed moment, so that recording the same exchange again changes no file.
RECORDED_AT = "2026-11-20T10:00:00"
_VOLATILE_HEADERS = ("Date", "Server")

Scrub = Callable[[str], str]


class SameBody(BaseMatcher):  # type: ignore[misc]
    """Match the body byte for byte."""

    name = "same-bytes"

    def match(self, request: requests.PreparedRequest, recorded_request: dict[str, Any]) -> bool:
        recorded = deserialize_prepared_request(recorded_request)
        return _bytes(request.body) == _bytes(recorded.body)


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


betamax.Betamax.register_request_matcher(SameBody)


@contextmanager
def replayed(session: requests.Session, folder: str, name: str) -> Iterator[None]:
    """Answer the session from the cassette and send nothing. At the end the whole cassette must have been played."""
    deck = betamax.Betamax(session, cassette_library_dir=str(CASSETTES / folder))
    deck.use_cassette(
        name,
        record="none",
        preserve_exact_body_bytes=True,
        match_requests_on=["method", "uri", SameBody.name],
    )
    unmatched: list[str] = []
    send = deck.betamax_adapter.send

    def send_and_note_unmatched(*args: Any, **more: Any) -> requests.Response:
        try:
            return send(*args, **more)
        except BetamaxError as error:
            # The code under test may treat this as a network failure; the test must not.
            unmatched.append(str(error))
            raise

    deck.betamax_adapter.send = send_and_note_unmatched
    with deck:
        cassette = deck.current_cassette
        yield
    assert unmatched == [], f"not on the cassette {folder}/{name}: record again"
    assert all(one.used for one in cassette.interactions), f"{folder}/{name} holds more than was sent"


@contextmanager
def recorded(session: requests.Session, folder: str, name: str, scrub: Scrub) -> Iterator[None]:
    """Send every request to the stand-in and write the exchange to the cassette, without secrets."""
    (CASSETTES / folder).mkdir(parents=True, exist_ok=True)
    (CASSETTES / folder / f"{name}.json").unlink(missing_ok=True)
    deck = betamax.Betamax(session, cassette_library_dir=str(CASSETTES / folder))
    deck.use_cassette(name, record="once", preserve_exact_body_bytes=True)
    with deck:
        cassette = deck.current_cassette
        yield
        for interaction in cassette.interactions:
            interaction.data = scrub_interaction(interaction.data, scrub)


def scrub_interaction(interaction: dict[str, Any], scrub: Scrub) -> dict[str, Any]:
    """Return the interaction without secrets and without values that differ between two recordings."""
    found = {"recorded_at": RECORDED_AT}
    for side in ("request", "response"):
        part: dict[str, Any] = _scrubbed(interaction[side], scrub)
        for name in _VOLATILE_HEADERS:
            part["headers"].pop(name, None)
        body = base64.b64decode(interaction[side]["body"]["base64_string"])
        text = scrub(body.decode("latin-1"))
        part["body"]["base64_string"] = base64.b64encode(text.encode("latin-1")).decode()
        if stated := part["headers"].get("Content-Length"):
            # A wrong length stays wrong by the same amount.
            part["headers"]["Content-Length"] = [str(int(stated[0]) + len(text) - len(body))]
        found[side] = part
    return found


def _scrubbed(value: Any, scrub: Scrub) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrubbed(inner, scrub) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scrubbed(inner, scrub) for inner in value]
    return value


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, text) for every text of a cassette, bodies decoded."""
    for number, interaction in enumerate(json.loads(path.read_text("utf-8"))["http_interactions"]):
        for side in ("request", "response"):
            part = interaction[side]
            where = f"{path.name}, {side} {number}"
            yield where, str({name: value for name, value in part.items() if name != "body"})
            yield where, base64.b64decode(part["body"]["base64_string"]).decode("latin-1")
