"""My activity: what agents did for this user."""
