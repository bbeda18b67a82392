"""The command line: commands, output, progress, exit codes.

Nothing but `connector.__main__` imports it.
"""
