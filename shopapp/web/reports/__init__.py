"""The month for the accountant: its figures, the documents behind each of them, and what to look at."""

from __future__ import annotations

from shopapp.web.reports import access, behind, exports, month, saft

BLUEPRINTS = (month.bp, behind.bp, exports.bp, saft.bp, access.bp, access.entry)
