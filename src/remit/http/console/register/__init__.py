"""Register an agent, its remit and its first client."""
