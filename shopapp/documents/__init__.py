"""One order, one fiscal document: from preparation to follow-ups."""
