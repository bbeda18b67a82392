"""The life of `connector run`: schedule, one loop for each index, commands from outside, signals, drain.

Imports everything but the command line.
"""
