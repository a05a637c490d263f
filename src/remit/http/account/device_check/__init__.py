"""The page that asks whether a user started himself what a device asks for."""
