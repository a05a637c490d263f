"""Settings: lifetimes, signing keys, self-registration."""
