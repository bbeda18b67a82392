"""The HTTP side of the daemon: health, status, metrics, webhooks, and limits on connections.

Imports domain and telemetry.
"""
