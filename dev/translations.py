"""The catalogues of the pages' languages: collect every sentence, update the .po files, compile the .mo files.

`python -m dev.translations` updates and compiles, and prints the sentences that a language still lacks. The
Portuguese sentence is the key, so Portuguese has no catalogue. Run it after a sentence changed; a test fails
when that is needed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from dev.local_stack import ROOT

LANGUAGES = ("en", "es")
FOLDER = ROOT / "translations"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS = [("shopapp/**.py", "python"), ("templates/**.html", "jinja2")]


def provider_sentences() -> Iterator[str]:
    """Return the providers' own texts: labels and help texts of their keys, names of their menus."""
    from shopapp.providers import PROVIDERS

    for provider in PROVIDERS.values():
        for field in provider.credential_fields:
            yield from (field.label, field.help)
        guide = provider.help_paths
        yield from (*guide.keys, guide.keys_help, *guide.documents, *guide.series_help)


def collect_sentences() -> Catalog:
    """Return every sentence of the sources, without places, so that moving code changes no catalogue."""
    catalog = Catalog(charset="utf-8")
    for folder in ("shopapp", "templates"):
        methods = [
            (pattern.split("/", 1)[1], method) for pattern, method in METHODS if pattern.startswith(folder)
        ]
        options = {pattern: {"trimmed": "true"} for pattern, _ in methods}
        for _, _, found, _, _ in extract_from_dir(ROOT / folder, methods, options, keywords=KEYWORDS):
            catalog.add(found if isinstance(found, str) else tuple(found), flags=())
    for text in provider_sentences():
        if text:
            catalog.add(text)
    return catalog


def catalog_path(language: str) -> Path:
    """Return the path of a language's catalogue; the compiled one is beside it."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def load_catalog(language: str) -> Catalog:
    """Return the stored catalogue; an empty one where there is none yet."""
    path = catalog_path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as source:
        return read_po(source, locale=language)


def update_catalog(language: str) -> Catalog:
    """Return the catalogue with exactly the sentences of the sources: new ones empty, old ones removed."""
    old = load_catalog(language)
    fresh = Catalog(
        locale=language, charset="utf-8", project="Quick Invoice", header_comment=f"# Quick Invoice: {language}",
        fuzzy=False,
    )  # fmt: skip
    for message in collect_sentences():
        if not message.id:
            continue
        known: Message | None = old.get(message.id if isinstance(message.id, str) else message.id[0])
        same = known is not None and known.id == message.id
        fresh.add(message.id, known.string if known is not None and same else "")
    return fresh


def catalog_text(catalog: Catalog) -> bytes:
    """Return the catalogue as the file holds it: sorted, without dates and places."""
    out = io.BytesIO()
    write_po(out, catalog, no_location=True, omit_header=False, sort_output=True, width=110)
    lines = out.getvalue().decode().splitlines(keepends=True)
    dropped = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Report-Msgid', '"Last-Translator',
               '"Language-Team')  # fmt: skip
    return "".join(line for line in lines if not line.startswith(dropped)).encode()


def compile_catalog(catalog: Catalog) -> bytes:
    """Return the compiled catalogue."""
    out = io.BytesIO()
    # The header contains a date; without a fixed one, the same catalogue would be another file each minute.
    catalog.creation_date = datetime(2026, 1, 1, tzinfo=UTC)
    write_mo(out, catalog)
    return out.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    """Return the sentences without a translation."""
    return [str(message.id) for message in catalog if message.id and not _unwrap(message.string)]


def _unwrap(text: str | Iterable[str] | None) -> bool:
    if text is None:
        return False
    return bool(text) if isinstance(text, str) else all(text) and bool(list(text))


def main() -> int:
    """Update all catalogues; return 0 when no language lacks a sentence."""
    short = 0
    for language in LANGUAGES:
        path = catalog_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(catalog_text(update_catalog(language)))
        again = load_catalog(language)
        path.with_suffix(".mo").write_bytes(compile_catalog(again))
        for text in untranslated(again):
            short += 1
            print(f"{language}: {text}")
    return 1 if short else 0


if __name__ == "__main__":
    raise SystemExit(main())
