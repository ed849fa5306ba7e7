"""Fixtures of the unit tests."""

from tests.fakes import clock, world

__all__ = ["clock", "world"]
