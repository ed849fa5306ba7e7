"""Pages of the set-up: keys, settings and the check."""
