"""Every text that a person reads, and how values are written."""
