"""The page that posts an answer to a client."""
