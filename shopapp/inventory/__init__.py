"""Articles, products and stock by SKU."""
