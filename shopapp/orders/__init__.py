"""Orders of the shop become sales and document requests."""
