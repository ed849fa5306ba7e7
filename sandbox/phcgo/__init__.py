"""A stand-in of PHC GO's Full API and panel, as far as public sources show them.

Each point that is not public is a switch; its ledger is the judge in tests. It shares no code with the
application.
"""
