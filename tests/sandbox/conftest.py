"""Fixtures of the stand-ins' tests."""

from tests.sandbox.phcgo_caller import caller

__all__ = ["caller"]
