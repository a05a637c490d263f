"""How a user signs in."""
