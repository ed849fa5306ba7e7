"""The PDF of an issued document is fetched once and kept encrypted; a later reader costs no call."""

from __future__ import annotations

import pytest

from shopapp.documents.pdf import read_pdf
from shopapp.errors import TransientError
from shopapp.models import DocumentPdf, db, document_pdf
from tests.fakes import FakeClock, FakeProvider, World

WHOLE = b"%PDF-1.7 content of the provider\n%%EOF\n"


class Printer:
    """Answers the provider's PDF calls and counts them."""

    def __init__(self) -> None:
        self.calls = 0
        self.answer: bytes | Exception = WHOLE

    def __call__(self, *_: object) -> bytes:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def printer(monkeypatch: pytest.MonkeyPatch) -> Printer:
    made = Printer()
    monkeypatch.setattr(FakeProvider, "pdf", made)
    return made


@pytest.fixture
def issued(world: World, printer: Printer) -> World:
    world.pay_order("1001")
    world.run_due_work()
    DocumentPdf.query.delete()
    db.session.commit()
    printer.calls = 0
    return world


def test_the_provider_is_asked_once_for_a_pdf(issued: World, printer: Printer) -> None:
    assert [read_pdf(issued.document()) for _ in range(3)] == [WHOLE] * 3
    assert printer.calls == 1
    (kept,) = DocumentPdf.query.all()
    assert b"content" not in kept.content_sealed and kept.content == WHOLE


@pytest.mark.parametrize("odd", [b"%PDF-1.7 cut off in the mid", b"%PDF-1.7" + b" " * 3_000_000 + b"%%EOF"])
def test_a_pdf_without_its_end_or_too_large_is_shown_and_not_kept(
    issued: World, printer: Printer, odd: bytes
) -> None:
    printer.answer = odd
    assert read_pdf(issued.document()) == odd
    assert DocumentPdf.query.count() == 0
    printer.answer = WHOLE
    assert read_pdf(issued.document()) == WHOLE


def test_a_failure_is_not_kept(issued: World, printer: Printer) -> None:
    printer.answer = TransientError("pdf-not-ready")
    with pytest.raises(TransientError):
        read_pdf(issued.document())
    printer.answer = WHOLE
    assert read_pdf(issued.document()) == WHOLE


def test_of_two_readers_at_once_the_first_keeps_its_copy(issued: World, printer: Printer) -> None:
    document = issued.document()
    for content in (WHOLE, b"second"):
        DocumentPdf.keep(document, document_pdf.AS_ISSUED, content)
    db.session.commit()
    assert read_pdf(document) == WHOLE and printer.calls == 0


def test_an_annulled_document_is_fetched_again_as_its_pdf_may_say_so(issued: World, printer: Printer) -> None:
    read_pdf(issued.document())
    issued.document().provider_state = "annulled"
    db.session.commit()
    printer.answer = TransientError("pdf-not-ready")
    assert read_pdf(issued.document()) == WHOLE, "the copy as issued is better than none"
    printer.answer = annulled = b"%PDF-1.7 ANULADO %%EOF"
    assert [read_pdf(issued.document()) for _ in range(2)] == [annulled] * 2
    assert printer.calls == 3


def test_a_row_that_is_linked_to_another_number_does_not_show_the_first_ones_pdf(
    issued: World, printer: Printer
) -> None:
    read_pdf(issued.document())
    issued.document().number = "FR 2026FR/999"
    db.session.commit()
    printer.answer = other = b"%PDF-1.7 of 999 %%EOF"
    assert read_pdf(issued.document()) == other
    assert [row.number for row in DocumentPdf.query] == ["FR 2026FR/999"]


def test_a_copy_is_deleted_after_half_a_year(issued: World, printer: Printer, clock: FakeClock) -> None:
    read_pdf(issued.document())
    clock.advance(document_pdf.KEEP_SECONDS - 60)
    DocumentPdf.delete_old()
    assert DocumentPdf.query.count() == 1
    clock.advance(120)
    DocumentPdf.delete_old()
    db.session.commit()
    assert DocumentPdf.query.count() == 0
    assert read_pdf(issued.document()) == WHOLE and printer.calls == 2
