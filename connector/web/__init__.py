"""What the process shows and takes over HTTP: health, status, webhooks; bounded connections.

Imports domain and telemetry.
"""
