"""The page that sends a user back to his device."""
