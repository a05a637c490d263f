"""What every page shares: the frame around it, its parts, its looks, and the one renderer."""
