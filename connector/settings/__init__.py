"""The settings: a pydantic model, where their values come from, types and ranges. The only reader of the environment.

Imports domain.
"""
