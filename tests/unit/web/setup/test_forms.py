"""The credentials form with the fields of PHC GO: a pasted token arrives complete."""

from __future__ import annotations

import pytest
from flask import Flask

from shopapp.providers.phcgo import PhcGo
from shopapp.providers.phcgo.session import Keys
from shopapp.web.setup.forms import parse_credentials

TOKEN = "q+7/" + "Ab1+/" * 300 + "=="
TYPED = {
    "url": "https://sis05.phcgo.net/abc",
    "user": "loja",
    "password": "a b&c=ã",
    "token": TOKEN,
    "company": "",
}


def keys(app: Flask, **instead: str) -> tuple[Keys, dict[str, str]]:
    with app.test_request_context():
        form = parse_credentials(PhcGo.credential_fields, {**TYPED, **instead}, {})
    return Keys.from_credentials(form.values), form.errors


@pytest.mark.parametrize(
    "pasted",
    [
        TOKEN,
        f"  {TOKEN}\r\n",
        TOKEN.replace("+", " "),
        "\n".join(TOKEN[at : at + 76] for at in range(0, 1506, 76)),
    ],
)
def test_a_token_arrives_whole_however_it_was_pasted(app: Flask, pasted: str) -> None:
    found, wrong = keys(app, token=pasted)
    assert wrong == {}
    assert found.token == TOKEN
    assert found.password == "a b&c=ã"


def test_only_the_company_may_be_left_empty(app: Flask) -> None:
    for name in TYPED:
        _, wrong = keys(app, **{name: ""})
        assert set(wrong) == ({name} - {"company"})


def test_secrets_are_not_in_the_repr_of_keys(app: Flask) -> None:
    found, _ = keys(app)
    assert TOKEN not in repr(found)
    assert "a b&c=ã" not in repr(found)
    assert TOKEN not in found.fingerprint()
