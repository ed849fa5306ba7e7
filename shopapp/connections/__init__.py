"""Connect rows with adapters: a store with its platform, an account with its provider."""
