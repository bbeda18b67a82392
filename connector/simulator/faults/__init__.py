"""Faults of the simulator: injected errors, slow and truncated responses, drifting pages, webhooks."""
