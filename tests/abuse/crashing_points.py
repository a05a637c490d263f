"""The named points at which a server can be made to die during a refresh."""

POINTS = (
    "after the old one is spent",
    "before the new one is kept",
    "after the new one is kept",
    "before the commit",
    "before the answer",
)
