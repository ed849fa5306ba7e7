"""Dates on a page: the clock is read once for all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from shopapp.messages import formats
from shopapp.models import now


def test_a_page_reads_the_clock_once_for_all_its_dates(
    app: Flask, db: SQLAlchemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, reads = now(), []
    monkeypatch.setattr(formats, "now", lambda: reads.append(at) or at)
    with app.test_request_context("/"):
        for minutes in range(50):
            formats.moment(at - timedelta(minutes=minutes))
            formats.ago(at - timedelta(minutes=minutes))
    assert len(reads) == 1


def test_the_next_page_reads_the_clock_again(
    app: Flask, db: SQLAlchemy, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, reads = now(), []
    monkeypatch.setattr(formats, "now", lambda: reads.append(at) or at)
    for _ in range(2):
        with app.test_request_context("/"):
            formats.today()
    assert len(reads) == 2
