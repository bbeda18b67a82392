"""The settings: a pydantic model, the sources of its values, types and ranges. Only `loading` reads the environment.

Imports domain.
"""
