"""Change: take single permissions back."""
