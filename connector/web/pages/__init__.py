"""The status page: HTML rendered on the server with Jinja2, and the files that it loads.

`rendering` makes responses of templates, `static_files` serves style sheets and scripts, `links` makes addresses.
Imports domain, ledger and telemetry.
"""
