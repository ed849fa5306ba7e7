"""Pages about products and stock."""
