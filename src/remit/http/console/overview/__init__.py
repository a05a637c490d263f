"""Overview: what is set up, what happened today, what is stopped."""
