"""The settings: a pydantic model, the sources of its values, types and ranges. Only this package reads the environment.

Imports domain.
"""
