"""A stand-in of PHC GO's Full API and panel, as far as public sources show them.

Each point that is not public is a switch; tests judge by its ledger. It shares no code with the application.
"""
