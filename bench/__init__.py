"""Speed, measured against a peer in the same run. Only ratios travel between machines."""
