"""Fixtures of the stand-ins' tests."""

from tests.sandbox.phcgo_client import caller

__all__ = ["caller"]
