"""Asking in batches, which a provider answers within a day at a lower price: one module per provider."""
