"""Asked to sign out."""
