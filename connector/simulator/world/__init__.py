"""The content of the simulated account: indexes, assets, scenes and vectors, and their changes over time."""
