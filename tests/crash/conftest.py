from tests.e2e.conftest import client, connector, server, simulator

__all__ = ["client", "connector", "server", "simulator"]
