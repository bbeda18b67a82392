"""Aliases of collections: read them, and move one in a single atomic request."""

from qdrant_client import models

from connector.domain.errors import ConfigError, SinkMismatch
from connector.qdrant.connection import Connection
from connector.qdrant.failures import CollectionExists, CollectionMissing, require_acknowledged
from connector.qdrant.session import Session


class _Refused(SinkMismatch):
    """Qdrant will never accept this change."""


class CollectionAliases:
    """Raises what the methods of the Sink port raise."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self) -> dict[str, str]:
        """Alias -> collection."""
        try:
            answer = await self._session.call("list Qdrant's aliases", "", lambda on: on.client.get_aliases())
        except CollectionMissing:  # embedded storage that does not exist yet
            return {}
        return {one.alias_name: one.collection_name for one in answer.aliases}

    async def target(self, alias: str) -> str | None:
        """The collection that the alias points to; None if there is no such alias."""
        return (await self.all()).get(alias)

    async def create(self, alias: str, collection: str) -> None:
        """Raises ConfigError if a collection has this name."""
        try:
            await self._change(alias, [_created(alias, collection)])
        except (CollectionExists, _Refused) as error:
            advice = "Choose a name that no collection has"
            raise ConfigError("create Qdrant alias", alias, error.cause, advice) from None

    async def move(self, alias: str, collection: str) -> None:
        """Point the alias to this collection instead. At every moment it points to the old or the new one."""
        removed = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
        await self._change(alias, [removed, _created(alias, collection)])

    async def _change(self, alias: str, operations: list[models.AliasOperations]) -> None:
        """Repeating it does no harm: the result is the same."""

        async def send(connection: Connection) -> None:
            require_acknowledged(
                await connection.client.update_collection_aliases(change_aliases_operations=operations), alias
            )

        await self._session.call("change Qdrant alias", alias, send, refused=_Refused)


def _created(alias: str, collection: str) -> models.CreateAliasOperation:
    created = models.CreateAlias(collection_name=collection, alias_name=alias)
    return models.CreateAliasOperation(create_alias=created)
