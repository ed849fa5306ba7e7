"""The catalogues are complete: every sentence in every language, with the same facts, compiled."""

from __future__ import annotations

import re

import pytest
from flask import Flask, g

from dev import translations
from dev.factories import make_documents_in_every_state, make_store
from shopapp.messages.formats import money
from shopapp.messages.i18n import gettext, select_locale
from shopapp.models import Store
from tests.security.conftest import fill_path, log_in, routes

FACTS = re.compile(r"%\(\w+\)[sd]|%%|\{n\}")
LANGUAGES = pytest.mark.parametrize("language", translations.LANGUAGES)


@pytest.fixture(autouse=True)
def fake_igest() -> None:
    """Use the texts of the real providers instead of the fake one."""


def strings(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


@LANGUAGES
def test_a_catalogue_holds_exactly_the_sentences_of_the_sources(language: str) -> None:
    assert translations.catalog_path(language).read_bytes() == translations.catalog_text(
        translations.update_catalog(language)
    ), "run python -m dev.translations and translate what it names"


@LANGUAGES
def test_no_sentence_is_left_untranslated_or_guessed(language: str) -> None:
    catalog = translations.load_catalog(language)
    assert translations.untranslated(catalog) == []
    assert not [message.id for message in catalog if message.fuzzy]


@LANGUAGES
def test_a_translation_has_the_same_facts_as_its_sentence(language: str) -> None:
    for message in translations.load_catalog(language):
        if message.id:
            for one, other in zip(strings(message.id), strings(message.string), strict=True):
                assert sorted(FACTS.findall(one)) == sorted(FACTS.findall(other)), message.id
                assert (
                    one[:1].isspace() == other[:1].isspace()
                    and one[-1:] == "\n" == other[-1:]
                    or "\n" not in one
                )


@LANGUAGES
def test_the_compiled_catalogue_matches_its_source(language: str) -> None:
    compiled = translations.catalog_path(language).with_suffix(".mo").read_bytes()
    assert compiled == translations.compile_catalog(translations.load_catalog(language))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("pt", "pt_PT"),
        ("pt-BR", "pt_PT"),
        ("en", "en_GB"),
        ("es_ES", "es_ES"),
        ("fr", "pt_PT"),
        ("", "pt_PT"),
    ],
)
def test_the_shops_language_chooses_the_locale(app: Flask, written: str, expected: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "es"}):
        g.store = Store(platform="jumpseller", code="x", language=written)
        assert select_locale() == expected


@pytest.mark.parametrize(
    ("liked", "expected"), [("es-MX,en;q=0.5", "es"), ("en", "en"), ("fr", "pt-PT"), ("", "pt-PT")]
)
def test_without_a_store_the_browser_chooses_the_locale(app: Flask, liked: str, expected: str) -> None:
    page = app.test_client().get("/", headers={"Accept-Language": liked}).get_data(as_text=True)
    assert f'<html lang="{expected}">' in page


def test_amounts_are_written_in_the_shops_language(app: Flask) -> None:
    for language, expected in (("pt", "1284,60\xa0€"), ("es", "1284,60\xa0€"), ("en", "€1,284.60")):
        with app.test_request_context():
            g.store = Store(platform="jumpseller", code="x", language=language)
            assert money("1284.60") == expected
            assert (
                gettext("Documentos") == {"pt": "Documentos", "es": "Documentos", "en": "Documents"}[language]
            )


@pytest.mark.parametrize(
    ("language", "ours", "not_ours"),
    [
        ("en", "Settings", ("Configuração", "Documentos", "Encomenda #", "Encomendas")),
        ("es", "Configuración", ("Configuração", "Encomenda #", "Encomendas")),
    ],
)
def test_every_page_is_in_one_language(
    app: Flask, db: object, language: str, ours: str, not_ours: tuple[str, ...]
) -> None:
    store = make_store(language=language)
    rows = make_documents_in_every_state(store)
    client = log_in(app, store)
    seen = 0
    for rule in routes(app):
        needless = (
            "static",
            "public.buyer_pdf",
            "health.healthz",
            "documents.version",
            "documents.rows",
            "delivery.pdf",
            "accountant.open_link",
            "report_files.as_csv",
            "report_files.as_xlsx",
        )
        if "GET" not in (rule.methods or ()) or rule.endpoint in needless:
            continue
        for document in rows.values():
            answer = client.get(
                fill_path(rule, {"number": document.id, "name": "igest", "platform": "jumpseller"})
            )
            if answer.status_code == 200:
                page = answer.get_data(as_text=True)
                assert f'<html lang="{language}">' in page
                assert ours in page, rule.rule
                assert not [word for word in not_ours if word in page], rule.rule
                seen += 1
            if not rule.arguments:
                break
    assert seen > 15
