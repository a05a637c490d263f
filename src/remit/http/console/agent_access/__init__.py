"""Access of one agent: granted against used."""
