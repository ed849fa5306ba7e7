"""Pages about documents."""

from __future__ import annotations

from shopapp.web.documents import bulk, credit, preview, views

BLUEPRINTS = (views.bp, bulk.bp, credit.bp, preview.bp)
