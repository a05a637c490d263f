"""The page on which a user types in the code that his device shows."""
