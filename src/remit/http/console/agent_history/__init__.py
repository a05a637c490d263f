"""History of one agent: who changed what."""
