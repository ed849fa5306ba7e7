"""What several stand-ins share: the server, storage, switches, faults, ledger, clock, and their control routes.

Nothing here knows which system a stand-in imitates.
"""
