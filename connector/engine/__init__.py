"""The cycle (cycle.py): survey, plan, the write protocol and its workers; ledger against sink; what an operator does.

Knows source, sink and ledger through `ports.py` only; imports domain and ports.
"""
