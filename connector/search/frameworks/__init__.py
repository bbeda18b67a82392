"""Adapters of the search library for LangChain, LlamaIndex and Haystack (docs/integrations.md).

Import the module of your framework. Each needs the extra of its name, and imports nothing of the others.
"""
