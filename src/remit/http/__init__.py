"""HTTP endpoints: parse, call a service, render; never a rule and never SQL."""
