"""The migrations, oldest first; each is written out and never changes once it was released."""
