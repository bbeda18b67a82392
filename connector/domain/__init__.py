"""Domain model and pure decisions: no I/O, no clock, no logger.

Imports no other package of the connector.
"""
