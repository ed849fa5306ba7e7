"""Single fields of a platform's JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shopapp.errors import OrderError
from shopapp.platforms import fields


@pytest.mark.parametrize(
    "written",
    ["2026-10-03 19:02:44 UTC", "2026-10-03T19:02:44Z", "2026-10-03T20:02:44+01:00", "2026-10-03 19:02:44"],
)
def test_a_timestamp_is_read_in_each_form_it_comes_in(written: str) -> None:
    assert fields.parse_timestamp(written) == datetime(2026, 10, 3, 19, 2, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("<b>Pires</b> &amp; Caneca &#39;L&#39;", "Pires & Caneca 'L'"),
        ("Caf&eacute;&nbsp;&amp;amp; Ch&aacute;", "Café & Chá"),
        ("&lt;b&gt;Novo&lt;/b&gt; prato", "Novo prato"),
        ("Linha um<br/>linha dois<p class='x'>fim</p>", "Linha um linha dois fim"),
        ('<span style="color:red">Azul</span>escuro', "Azulescuro"),
        ("<style>b{color:red}</style>Prato<!-- nota -->", "Prato"),
        ("Copo <3 e <M> de 5 < 6 cl", "Copo <3 e <M> de 5 < 6 cl"),
        ("R&D & Filhos &semnome;", "R&D & Filhos &semnome;"),
        (" dois  \n espaços\t", "dois espaços"),
        (None, ""),
        (12, "12"),
    ],
)
def test_a_text_is_read_as_a_person_sees_it(stored: object, shown: str) -> None:
    assert fields.plain_text(stored) == shown


@pytest.mark.parametrize("written", ["", "yesterday", None, "2026-13-03"])
def test_a_text_that_is_no_timestamp_makes_the_order_unreadable(written: str | None) -> None:
    with pytest.raises(OrderError) as raised:
        fields.parse_timestamp(written)
    assert (raised.value.code, raised.value.detail) == ("order-unreadable", {"field": "date"})
