"""The first run: a setup link becomes the first administrator."""
