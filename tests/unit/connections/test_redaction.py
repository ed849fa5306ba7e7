"""No error of an adapter contains a secret of its account, wherever and however the external system repeats it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from shopapp.connections import provider as providers
from shopapp.connections.redaction import redact, redact_errors
from shopapp.errors import AppError, RefusedError

SECRET = "pala&vra passe/7c41"


@pytest.mark.parametrize(
    "words",
    [
        SECRET, f"a senha {SECRET} está errada", SECRET.upper(), "pala%26vra%20passe%2F7c41", "pala%26vra+passe%2F7c41",
        "pala&amp;vra passe/7c41", "cortada: pala&vra pas",
    ],
)  # fmt: skip
def test_a_secret_is_masked_however_it_is_written(words: str) -> None:
    found = redact({"answer": words, "more": [{"deep": words}], "code": 7}, [SECRET, ""])
    assert "vra" not in str(found).lower().replace("%26", "") and found["code"] == 7
    assert "***" in found["answer"]


def test_a_short_secret_is_masked_as_a_word_alone() -> None:
    assert redact("a 12 de 2012", ["12"]) == "a *** de 2012"


class Refusing:
    """An adapter that raises what it was sent."""

    def call(self) -> None:
        try:
            raise ValueError(SECRET)
        except ValueError as cause:
            raise RefusedError("provider-refused", answer=SECRET) from cause

    def rows(self) -> Iterator[int]:
        yield 1
        raise RefusedError("provider-refused", answer=SECRET)


def test_every_method_of_an_adapter_is_covered_and_its_causes_are_dropped() -> None:
    adapter = redact_errors(Refusing(), lambda: [SECRET])
    for act in (adapter.call, lambda: list(adapter.rows())):
        with pytest.raises(AppError) as raised:
            act()
        assert raised.value.detail == {"answer": "***"}
        assert raised.value.__suppress_context__


def test_every_provider_is_opened_with_its_errors_redacted(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        for name in providers.provider_names():
            adapter = providers.provider_class(name)
            given = {one.name: f"secret of {one.name}" for one in adapter.credential_fields}
            words = " ".join(given.values())

            def refuse(*_: object, words: str = words) -> None:
                raise RefusedError("provider-refused", answer=words)

            monkeypatch.setattr(adapter, "issue", refuse)
            with pytest.raises(RefusedError) as raised:
                providers.provider_with(name, given).issue(None, "reference")  # type: ignore[arg-type]
            for field in adapter.credential_fields:
                assert (given[field.name] in raised.value.detail["answer"]) == (not field.secret)
