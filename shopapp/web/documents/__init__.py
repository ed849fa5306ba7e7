"""Pages about documents."""

from __future__ import annotations

from shopapp.web.documents import bulk, buyer, credit, decisions, delivery, preview, views

BLUEPRINTS = (views.bp, bulk.bp, buyer.bp, credit.bp, decisions.bp, delivery.bp, preview.bp)
