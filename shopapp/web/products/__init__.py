"""Pages about products and stock."""

from __future__ import annotations

from shopapp.web.products import page, stock_history, views

BLUEPRINTS = (views.bp, page.bp, stock_history.bp)
