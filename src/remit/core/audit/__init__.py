"""The audit log as mathematics: tree, checkpoints, verification."""
