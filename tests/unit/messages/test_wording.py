"""Every code of an error, a transition or a finding has a sentence, and every sentence a code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, g

from shopapp.messages import errors, wording
from shopapp.models.document import ALARMS, STATES
from shopapp.web.setup import check

ROOT = Path(__file__).resolve().parents[3]
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")
MOVES = {
    "transition",
    "commit_transition",
    "require_merchant",
    "void_document",
    "_move_to_waiting",
    "mark_uncertain",
}
OUTCOMES = {"issued", "refused", "not-sent", "unknown", "app", "merchant", *STATES}
NEVER_SHOWN = {
    # shown as a page of ours, or only logged
    "alarm-seen",
    # it becomes the alarm `gone`
    "document-gone",
}


def codes() -> Iterator[tuple[str, str]]:
    """Yield (code, place) of each code in the sources."""
    for path in sorted((ROOT / "shopapp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                for found in _codes_of(node):
                    yield found, f"{path.relative_to(ROOT)}:{node.lineno}"


def _codes_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if re.fullmatch(r"[A-Z]\w*(Error|Refused)|NotYet", name) and texts and CODE.fullmatch(texts[0]):
        yield texts[0]
    elif name in MOVES or (name == "end" and len(call.args) > 2):
        yield from (text for text in texts if CODE.fullmatch(text) and text not in OUTCOMES)


def test_every_code_has_a_sentence() -> None:
    without = [
        f"{where}: {code}"
        for code, where in codes()
        if code not in errors.SENTENCES and code not in NEVER_SHOWN
    ]
    assert not without, "\n" + "\n".join(without)


def test_codes_are_found_in_the_sources() -> None:
    found = {code for code, _ in codes()}
    assert {"nif-invalid", "series-missing", "keys-refused", "older", "worker-died", "set-aside"} <= found
    assert list(_codes_of(ast.parse('OrderError("made-up-code", line=1)').body[0].value)) == ["made-up-code"]  # type: ignore[attr-defined]


def warnings() -> set[str]:
    pattern = re.compile(r'\badd_warning\("([a-z0-9-]+)"\)')
    return {code for path in (ROOT / "shopapp").rglob("*.py") for code in pattern.findall(path.read_text())}


def test_every_warning_has_a_sentence() -> None:
    assert warnings()
    assert not warnings() - set(errors.WARNINGS)


def test_every_alarm_has_a_sentence() -> None:
    assert not {f"alarm-{code}" for code in ALARMS} - set(errors.SENTENCES)


def sources() -> str:
    """Return the sources of all but the words themselves."""
    files = [path for path in (ROOT / "shopapp").rglob("*.py") if "messages" not in path.parts]
    return "\n".join(path.read_text() for path in sorted(files))


def test_every_sentence_belongs_to_a_code_in_use() -> None:
    text = sources()
    dead = [
        code
        for code in errors.SENTENCES
        if f'"{code}"' not in text and f'"{re.sub("^(keys|alarm|outcome)-", "", code)}"' not in text
        and code.removeprefix("alarm-") not in ("annulled", "uninstalled")
    ]  # fmt: skip
    assert not dead


def test_every_finding_has_a_sentence() -> None:
    source = (ROOT / "shopapp" / "web" / "setup" / "check.py").read_text()
    found = set(re.findall(r'Finding\(\s*"\w+",\s*"([a-z-]+)"', source))
    assert {"rate-nowhere", "hooks-listening"} <= found
    assert not found - set(check.CHECK_SENTENCES)


@pytest.mark.parametrize("code", sorted(errors.SENTENCES))
def test_a_sentence_is_complete_and_its_button_short(app: Flask, code: str) -> None:
    with app.test_request_context():
        g.store = g.account = None
        said = wording.message_for(code, {}, "iGEST")
        assert said.cause[0].isupper() or said.cause[0] in "«…"
        assert said.cause.endswith((".", "…"))
        assert not re.search(r"%\(|!|\bUps\b|\bvocê\b", said.cause + said.remedy + said.button)
        assert len(said.button) < 40


def test_facts_in_sentences_are_formatted(app: Flask) -> None:
    with app.test_request_context():
        g.store = g.account = None
        said = wording.message_for("total-differs", {"paid": "1284.60", "lines": "1284.62"})
        assert said.cause == "O total pago (1284,60\xa0€) não bate certo com as linhas (1284,62\xa0€)."
        assert "123\xa0456\xa0780" in wording.message_for("nif-invalid", {"nif": "123456780"}).cause
        assert (
            "22%" in wording.message_for("tax-differs", {"charged": "22", "lawful": "23", "line": "x"}).cause
        )


def test_refused_keys_have_a_sentence_per_kind(app: Flask) -> None:
    with app.test_request_context():
        g.store = g.account = None
        general = wording.message_for("keys-refused", {"kind": "other"}, "iGEST")
        code = wording.message_for("keys-refused", {"kind": "wrong-code"}, "iGEST")
        assert general.cause != code.cause and "código de segurança" in code.cause


def test_an_unknown_code_is_shown_as_an_internal_failure(app: Flask) -> None:
    with app.test_request_context():
        g.store = g.account = None
        assert wording.message_for("unknown-code").cause == wording.message_for("internal").cause


def test_every_state_has_its_own_label(app: Flask) -> None:
    with app.test_request_context():
        g.store = g.account = None
        assert len({wording.state_label(state) for state in STATES}) == len(STATES)
