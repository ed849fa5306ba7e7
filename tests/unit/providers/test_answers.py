"""What a provider answers where a file is expected."""

from __future__ import annotations

import pytest

from shopapp.errors import TransientError
from shopapp.http_client import HttpResponse
from shopapp.providers.answers import pdf_from


@pytest.mark.parametrize(
    "body", [b"", b"<html><script>alert(1)</script>", b"PDF", b" %PDF-1.7", b"%pdf-1.7", b"PK\x03\x04"]
)
def test_only_a_pdf_is_taken_for_one(body: bytes) -> None:
    with pytest.raises(TransientError):
        pdf_from(HttpResponse(200, {"content-type": "application/pdf"}, body))
    assert pdf_from(HttpResponse(200, {}, b"%PDF-1.7 x")) == b"%PDF-1.7 x"
