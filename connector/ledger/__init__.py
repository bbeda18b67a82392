"""The ledger in SQLite: checkpoints, the command queue to the daemon, and the lock of the owning process.

Imports domain and ports.
"""
