"""What HTTP and the gateway share: typed requests, callers and the two endings of every error."""
