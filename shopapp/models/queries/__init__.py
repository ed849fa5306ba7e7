"""Queries on the tables, for pages and reports."""
