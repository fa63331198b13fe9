"""Adapters for frameworks. The package itself imports none of them."""
