"""Our own error page, for whoever must not be sent elsewhere."""
