"""The words of the program and its pure decisions: no I/O, no clock, no logger.

Imports nothing of ours.
"""
