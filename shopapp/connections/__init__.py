"""Where a row meets an adapter: stores with their platforms, accounts with their providers."""
