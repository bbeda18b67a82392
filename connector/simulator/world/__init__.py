"""What the simulated account holds: indexes, assets, scenes and their vectors, and how they change with time."""
