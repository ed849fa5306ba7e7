"""A stand-in of iGEST: the merchant's panel, the XML endpoint and the ledger by which tests judge.

It never imports shopapp and corrects nothing: a document is issued exactly as a call requests it, or refused.
docs/igest-wire.md says which part of the wire format is known and which is our assumption.
"""
