"""An invoicing system that offers exactly one of the four guarantees and nothing more.

`dev.torture` and tests use it. The switch `promise` says which guarantee. It imitates no product, never checks
whether a document exists already, and its ledger is the judge. It shares no code with the application.
"""
