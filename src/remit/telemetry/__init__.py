"""Names and sinks of logs, metrics and traces."""
