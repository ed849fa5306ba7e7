"""The stand-in of iGEST: the merchant's panel, the XML endpoint, the ledger that judges the tests.

Called as `python -m sandbox.igest` and by the tests. It never imports shopapp, and never mends a mistake of
it: what the wire asks for is issued as asked or refused. docs/igest-wire.md says which part is known and
which is ours.
"""
