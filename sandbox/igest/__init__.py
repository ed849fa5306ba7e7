"""A stand-in of iGEST: the merchant's panel, the XML endpoint and the ledger that tests judge by.

It never imports shopapp and corrects nothing: what a call asks for is issued as asked, or refused.
docs/igest-wire.md says which part of the wire is known and which is ours.
"""
