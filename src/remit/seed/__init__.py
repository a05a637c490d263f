"""A throwaway instance with known people, agents and clients, for tests and outside scripts."""
