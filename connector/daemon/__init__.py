"""The daemon, `connector run`: schedule, one loop for each index, commands from the queue, signals, drain.

Imports everything but the command line.
"""
