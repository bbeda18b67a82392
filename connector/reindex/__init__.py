"""Moves an alias that searchers use to a collection with other settings: what is moved, and whether it may be.

Imports domain, ports, engine, qdrant and settings.
"""
