"""Helpers for the tests of a cycle."""

from connector.domain.errors import MalformedAsset
from tests.engine.world import INDEX, World

OLD, NEW = "twelvelabs-marengo2.7", "twelvelabs-marengo3.0"


def retrieved(world: World, name: str) -> int:
    return world.source.retrievals[INDEX, name]


def malformed() -> MalformedAsset:
    return MalformedAsset("read embeddings of asset", "a", "vector 3 is all zero")
