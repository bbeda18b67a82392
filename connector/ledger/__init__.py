"""The CheckpointStore in SQLite, the commands that are handed to a daemon through it, and the lock of its owner.

Imports domain and ports.
"""
