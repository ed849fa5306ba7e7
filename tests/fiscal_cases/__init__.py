"""Fiscal cases as data, and the runner that prints the decision on each."""
