"""The command line: commands, output, progress, exit codes.

Only `connector.__main__` imports this package.
"""
