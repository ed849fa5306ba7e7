"""What pages and reports read from the tables."""
