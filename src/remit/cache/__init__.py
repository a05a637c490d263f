"""What is remembered for speed only; losing it never makes anything less safe."""
