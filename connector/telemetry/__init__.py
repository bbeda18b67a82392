"""Logs, metrics and traces, made from events. Imports domain and ports."""
