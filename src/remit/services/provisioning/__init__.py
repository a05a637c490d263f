"""Making what a tenant consists of: one verb, one work; the answer is the thing made, or what to change."""
