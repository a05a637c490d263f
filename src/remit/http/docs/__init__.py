"""What an instance tells developers by itself, without any other host: where things are, what every error means."""
