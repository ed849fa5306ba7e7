"""Pages of the set-up: keys, settings and the check."""

from __future__ import annotations

from shopapp.web.setup import keys, settings

BLUEPRINTS = (keys.bp, settings.bp)
