"""One module for each command; `connector.cli` declares their names, options and exit codes."""
