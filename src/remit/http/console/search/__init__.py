"""Search: whom or what one word names, and Stop beside it."""
