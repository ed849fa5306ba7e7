"""The fiscal core turns an order into a lawful draft: pure, without Flask, database, network or clock."""
