"""What goes wrong in the simulator: injected faults, slow and cut answers, drifting pages, webhooks."""
