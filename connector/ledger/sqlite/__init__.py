"""The ledger in an SQLite file: the connection in its thread, the schema, and the lock of the owner."""
