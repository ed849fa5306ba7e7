"""Keys that encrypt at rest: none is missed, all can be replaced while the app runs, and none is removed too early."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, current_app
from sqlalchemy import select, text, update

from dev.factories import CREDENTIALS, make_document, make_store
from shopapp import encryption
from shopapp.config import ConfigError
from shopapp.jobs import reseal
from shopapp.models import Account, Document, FollowUp, Store, VatNumber, Webhook, db
from shopapp.models.document import ISSUED
from shopapp.models.key_usage import count_by_key, keyed_columns
from shopapp.models.queries.documents import DocumentFilters, find_by_link_token, list_documents
from shopapp.models.sealed_columns import CLEAR, Mark, Sealed
from tests.security.conftest import StoreSession, log_in

OLD, NEW = (base64.b64encode(name * 32).decode() for name in (b"o", b"n"))


@pytest.fixture
def new_key(app: Flask, ours: StoreSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let everything so far need one key, and put a new one before it; return the old key's id."""
    Webhook.record(ours.store.id, "order_paid", "hash", b'{"order": {"id": 1}}')
    FollowUp.enqueue(ours.documents["issued"], "email", to="ana@example.pt")
    VatNumber.record("FR40303265045", True)
    old = encryption.key_ids()[0]
    monkeypatch.setitem(app.config, "SEAL_KEYS", (b"n" * 32, *app.config["SEAL_KEYS"]))
    yield old


def reseal_all(say: Callable[[str], None] = lambda line: None) -> list[str]:
    """Run `flask reseal` as a process of its own would."""
    db.session.commit()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context():
        return reseal.reseal_all(say)


def rows_needing(key_id: str) -> dict[str, int]:
    return {name: rows[key_id] for name, rows in count_by_key().items() if rows[key_id]}


def test_every_encrypted_column_is_in_the_list(app: Flask) -> None:
    listed = {column.name for column in keyed_columns()}
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            is_keyed = column.name.endswith("_sealed") or isinstance(column.type, Sealed | Mark)
            assert (f"{table.name}.{column.name}" in listed) == is_keyed
            if isinstance(column.type, Sealed):
                assert column.type.place == f"{table.name}.{column.name}"
    assert listed >= {"document_pdf.content_sealed", "document.tax_id_mark", "hook.body", "move.detail"}


def test_a_key_that_any_value_needs_cannot_be_removed(
    new_key: str, ours: StoreSession, make_app: Callable[..., Flask], settings: dict[str, str]
) -> None:
    # days of running write the first and the last row of each table again
    for row in (ours.store, db.session.query(Account).one()):
        for name in ("access_token", "refresh_token", "hooks_token", "credentials"):
            if hasattr(row, name):
                setattr(row, name, getattr(row, name))
    db.session.commit()
    needing = rows_needing(new_key)
    assert needing["document.buyer_sealed"] > 10 and "account.credentials_sealed" not in needing
    with pytest.raises(ConfigError) as refused:
        make_app(SEAL_KEYS=NEW)
    for name, rows in needing.items():
        assert f"{name} ({rows})" in str(refused.value)
    assert "flask --app wsgi reseal" in str(refused.value)


def test_after_resealing_the_old_key_can_be_removed_and_everything_opens(
    new_key: str, ours: StoreSession, app: Flask, make_app: Callable[..., Flask]
) -> None:
    nif = ours.documents["issued"].buyer["tax_id"]
    before = (ours.documents["issued"].link_token, rows_needing(new_key))
    assert set(before[1]) == {name for name, rows in count_by_key().items() if rows}
    found = {words: found_by(ours, words) for words in (nif, "mari")}
    assert all(found.values()), "with both keys"
    said: list[str] = []
    assert reseal_all(said.append) == []
    assert rows_needing(new_key) == {} and rows_needing(CLEAR) == {}
    assert {name: rows[encryption.key_ids()[0]] for name, rows in count_by_key().items() if rows} == before[1]
    assert f"{new_key}: nothing needs it" in "\n".join(reseal.describe_usage())
    assert any(line.startswith("document.buyer_sealed: ") for line in said)
    alone = make_app(SEAL_KEYS=NEW)
    again = StoreSession(ours.store, ours.documents, log_in(alone, ours.store))
    for path in ("/", "/documents", "/products", "/setup/keys/igest", "/setup/choices", "/decisions"):
        assert again.client.get(path).status_code in (200, 302), path
    for document in ours.documents.values():
        assert again.client.get(f"/documents/{document.id}").status_code == 200
    with alone.app_context():
        assert {words: found_by(again, words) for words in found} == found
        assert (
            db.session.query(Document).filter_by(id=ours.documents["issued"].id).one().link_token == before[0]
        )
        assert db.session.query(Account).one().credentials == CREDENTIALS
        known = VatNumber.find("FR40303265045")
        assert known is not None and known.valid


def found_by(session: StoreSession, words: str) -> int:
    db.session.rollback()
    return len(list_documents(session.store, DocumentFilters(text=words)).rows)


@pytest.mark.postgres_alone
def test_resealing_leaves_what_others_hold_and_loses_no_write(new_key: str, ours: StoreSession) -> None:
    document = ours.documents["nif"]
    passes = 0

    def say(line: str) -> None:
        nonlocal passes
        passes += 1
        if passes == 1:
            other.execute(
                update(Document).where(Document.id == document.id).values(detail={"nif": "written meanwhile"})
            )
            other.commit()

    with db.engine.connect() as other:
        other.execute(select(Document.id).where(Document.id == document.id).with_for_update())
        assert reseal_all(say) == []
    assert passes and rows_needing(new_key) == {}
    db.session.expire_all()
    assert db.session.get_one(Document, document.id).detail == {"nif": "written meanwhile"}


def test_a_value_that_no_key_decrypts_is_named_and_stops_nothing(new_key: str, ours: StoreSession) -> None:
    broken, whole = ours.documents["nif"], ours.documents["issued"]
    db.session.execute(
        update(Document).where(Document.id == broken.id).values(buyer_sealed=whole.buyer_sealed)
    )
    db.session.commit()
    assert f"document.buyer_sealed {broken.id}" in reseal_all()
    assert rows_needing(new_key)["document.buyer_sealed"] == 1


def test_what_an_earlier_release_wrote_in_clear_is_read_and_then_encrypted(
    ours: StoreSession, app: Flask
) -> None:
    document = ours.documents["nif"]
    nif = document.buyer["tax_id"]
    plain = {
        "detail": json.dumps({"nif": "123456780"}), "link": "f" * 32, "folded": "zulmira conceicao",
        "mark": encryption.marks_of(nif)[-1], "id": document.id, "store": ours.store.id,
        "email": "dona@example.pt",
    }  # fmt: skip
    for statement in (
        "UPDATE document SET detail = :detail, link_token = :link, link_hash = NULL, buyer_folded = :folded,"
        " buyer_marks = '', tax_id_mark = :mark, state = 'issued' WHERE id = :id",
        "UPDATE store SET email = :email WHERE id = :store",
    ):
        db.session.execute(text(statement), plain)
    db.session.execute(
        text("INSERT INTO hook (store_id, event, body_hash, body, received_at, copies, state, reason, order_id)"
             " VALUES (:store, 'order_paid', 'h', :body, :at, 1, 'opened', '', '1')"),
        {"store": ours.store.id, "body": b'{"order": 1}', "at": document.created_at.isoformat()},
    )  # fmt: skip
    db.session.commit()

    def is_read() -> None:
        db.session.expire_all()
        row = db.session.get_one(Document, document.id)
        assert (row.detail, row.link_token) == ({"nif": "123456780"}, "f" * 32)
        assert db.session.get_one(Store, ours.store.id).email == "dona@example.pt"
        assert db.session.query(Webhook).filter_by(body_hash="h").one().body == b'{"order": 1}'
        assert found_by(ours, nif) > 0
        assert find_by_link_token("f" * 32) is not None

    is_read()
    assert found_by(ours, "zulm") > 0 and found_by(ours, "zul%") == 0
    assert set(rows_needing(CLEAR)) == {
        "document.detail", "document.link_token", "document.tax_id_mark", "hook.body", "store.email",
    }  # fmt: skip
    assert reseal_all() == []
    assert rows_needing(CLEAR) == {}
    is_read()
    raw = db.session.execute(text("SELECT buyer_folded FROM document WHERE id = :id"), plain).scalar_one()
    assert raw == ""


def test_marks_that_say_no_key_hold_the_keys_that_may_have_made_them(
    ours: StoreSession, app: Flask, make_app: Callable[..., Flask], settings: dict[str, str]
) -> None:
    db.session.commit()
    both = f"{NEW},{settings['SEAL_KEYS']}"
    make_app(SEAL_KEYS=both)
    app.config["SEAL_KEYS"] = make_app(SEAL_KEYS=both).config["SEAL_KEYS"]
    reseal_all()
    db.session.execute(text("UPDATE document SET tax_id_mark = 'abc' WHERE tax_id_mark <> ''"))
    db.session.commit()
    with pytest.raises(ConfigError, match=r"document.tax_id_mark \("):
        make_app(SEAL_KEYS=NEW)
    assert "say no key" in "\n".join(reseal.describe_usage())


def test_a_start_with_known_keys_looks_at_no_row(
    ours: StoreSession, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_app()
    monkeypatch.setattr("shopapp.models.key_usage.count_by_key", lambda: pytest.fail("counted"))
    make_app()


def test_names_and_numbers_are_found_by_marks_that_need_the_key(
    ours: StoreSession, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = make_document(ours.store, ISSUED, name="Zulmira Conceição", tax_id="501964843")
    for words in ("zul", "conceicao", "ZULMIRA CONC", "501964843", "PT 501 964 843"):
        assert found_by(ours, words) > 0, words
    for words in ("ulmira", "z", "zulmirinha", "50196484"):
        assert found_by(ours, words) == 0, words
    marks = (document.buyer_marks, document.tax_id_mark)
    assert "zulmira" not in marks[0] and "501964843" not in marks[1]
    monkeypatch.setitem(app.config, "SEAL_KEYS", ((b"x" * 32),))
    document.set_buyer({"name": "Zulmira Conceição", "tax_id": "501964843"})
    assert not set(document.buyer_marks.split()) & set(marks[0].split()) and document.tax_id_mark != marks[1]
    other = make_store("other")
    elsewhere = make_document(other, ISSUED, name="Zulmira Conceição", tax_id="501964843")
    assert set(elsewhere.buyer_marks.split()) & set(document.buyer_marks.split()) == {encryption.key_ids()[0]}
