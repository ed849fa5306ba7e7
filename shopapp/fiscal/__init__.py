"""The fiscal core: an order in, the lawful draft out; pure, without Flask, database, network or clock."""
