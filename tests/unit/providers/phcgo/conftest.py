"""Fixtures of the adapters' tests."""

from tests.unit.providers.phcgo.stand_in import program, started

__all__ = ["program", "started"]
