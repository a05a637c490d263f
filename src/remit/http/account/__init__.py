"""The user's own pages: signing in, consent, and what their agents may do."""
