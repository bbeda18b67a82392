"""The ledger: checkpoints, command queue and heartbeat as statements, and the databases that carry them out.

Imports domain and ports. `sqlite` and `postgres` implement `database.Transactions`; the rest knows neither.
"""
