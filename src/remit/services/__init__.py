"""Use cases: load, ask the core, apply and record in one transaction."""
