"""Event: one audit event with its whole chain."""
