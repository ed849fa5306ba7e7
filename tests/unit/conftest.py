"""Fixtures of the unit tests."""

from tests.fakes import world

__all__ = ["world"]
