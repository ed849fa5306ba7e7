"""Pages of the set-up: keys, settings, the check and the open sessions."""

from __future__ import annotations

from shopapp.web.setup import keys, sessions, settings

BLUEPRINTS = (keys.bp, sessions.bp, settings.bp)
