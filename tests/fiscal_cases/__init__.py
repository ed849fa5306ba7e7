"""Fiscal cases as data, and the runner that prints what the application decides on each."""
