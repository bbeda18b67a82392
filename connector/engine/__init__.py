"""The cycle: survey, reconciliation of ledger and sink, plan, write protocol, workers; and operator actions.

Accesses source, sink and ledger through `ports.py` only; imports domain and ports.
"""
