"""Code that several stand-ins share: server, storage, switches, faults, ledger, clock, and their control routes.

Nothing here knows which system a stand-in imitates.
"""
