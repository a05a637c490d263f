"""A new secret, shown this once."""
