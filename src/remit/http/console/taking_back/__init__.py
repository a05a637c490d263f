"""Take many grants back: look first, then confirm."""
