"""The ledger in PostgreSQL: sessions, transactions, schema, and the lease of the owner. Needs the extra `postgres`."""
