"""Consent: what an agent asks for, and the user's yes or no."""
