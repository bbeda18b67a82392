"""Several replicas share the work of one PostgreSQL ledger: leases of indexes, jobs for assets, one rate limit.

Imports engine and ledger. The engine knows only `engine.dispatch`.
"""
