"""The HTTP side of the daemon: health, status, webhooks, and limits on connections.

Imports domain and telemetry.
"""
