"""A tenant as files describe it: read it, compare it, make it so."""
