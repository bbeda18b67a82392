"""Logs. Imports domain."""
