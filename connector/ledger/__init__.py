"""The ledger in SQLite: checkpoints, the command queue, the daemon's heartbeat, and the lock of the owner.

Imports domain and ports.
"""
