"""Cassettes: what was said on the wire, kept byte for byte and without secrets, and played back or recorded anew.

Used by the accounts and shops of the contract suites. A cassette is replayed only against the very bytes that it was
recorded with: whoever changes a request must record again (`python -m tests.contract.record`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import betamax
import requests
from betamax.exceptions import BetamaxError
from betamax.matchers.base import BaseMatcher
from betamax.util import deserialize_prepared_request

CASSETTES = Path(__file__).parent / "cassettes"
MODE = {"record": False}
"""Set by `tests.contract.record` alone."""
# a fixed moment: recording the same again changes no file
RECORDED_AT = "2026-11-20T10:00:00"
_VOLATILE_HEADERS = ("Date", "Server")

Scrub = Callable[[str], str]


class SameBody(BaseMatcher):  # type: ignore[misc]
    """Matches the body byte for byte."""

    name = "same-bytes"

    def match(self, request: requests.PreparedRequest, recorded_request: dict[str, Any]) -> bool:
        recorded = deserialize_prepared_request(recorded_request)
        return _bytes(request.body) == _bytes(recorded.body)


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


betamax.Betamax.register_request_matcher(SameBody)


@contextmanager
def replayed(session: requests.Session, folder: str, name: str) -> Iterator[None]:
    """Nothing goes out: the session is answered by the cassette, all of which must have been played at the end."""
    deck = betamax.Betamax(session, cassette_library_dir=str(CASSETTES / folder))
    deck.use_cassette(
        name,
        record="none",
        preserve_exact_body_bytes=True,
        match_requests_on=["method", "uri", SameBody.name],
    )
    strangers: list[str] = []
    play = deck.betamax_adapter.send

    def watched(*args: Any, **more: Any) -> requests.Response:
        try:
            return play(*args, **more)
        except BetamaxError as error:
            # the code under test may take this for a doubt about the outside; the test must not
            strangers.append(str(error))
            raise

    deck.betamax_adapter.send = watched
    with deck:
        cassette = deck.current_cassette
        yield
    assert strangers == [], f"not on the cassette {folder}/{name}: record again"
    assert all(one.used for one in cassette.interactions), f"{folder}/{name} holds more than was asked"


@contextmanager
def recorded(session: requests.Session, folder: str, name: str, scrub: Scrub) -> Iterator[None]:
    """Everything goes out for real and is written to the cassette, scrubbed."""
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
    """The interaction without secrets, and without what differs from one recording to the next."""
    found = {"recorded_at": RECORDED_AT}
    for side in ("request", "response"):
        part: dict[str, Any] = _scrubbed(interaction[side], scrub)
        for name in _VOLATILE_HEADERS:
            part["headers"].pop(name, None)
        body = base64.b64decode(interaction[side]["body"]["base64_string"])
        text = scrub(body.decode("latin-1"))
        part["body"]["base64_string"] = base64.b64encode(text.encode("latin-1")).decode()
        if stated := part["headers"].get("Content-Length"):
            # what was stated wrongly stays wrong by as much
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
    """Every text of a cassette with the place where it stands, bodies in clear."""
    import json

    for number, interaction in enumerate(json.loads(path.read_text("utf-8"))["http_interactions"]):
        for side in ("request", "response"):
            part = interaction[side]
            where = f"{path.name}, {side} {number}"
            yield where, str({name: value for name, value in part.items() if name != "body"})
            yield where, base64.b64decode(part["body"]["base64_string"]).decode("latin-1")
