"""Fixtures of the adapters' tests."""

from tests.unit.providers.phcgo_program import program, started

__all__ = ["program", "started"]
