"""The stand-ins of the outside world, for trying and for tests; no import crosses to shopapp or back."""
