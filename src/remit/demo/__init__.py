"""The programs that play the demo: strangers to the server, run as real processes."""
