"""My agents: what each may do for the user, and a Stop."""
