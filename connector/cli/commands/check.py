"""`connector check`: tests the setup. Read-only: reports what is missing, creates nothing."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from connector.app import make_sink, make_source
from connector.cli.ledger_check import Ledger, check_ledger
from connector.cli.output import Exit, counted, number, print_json, put, text
from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.domain.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectorError,
    IndexGone,
    LedgerUnavailable,
    SinkMismatch,
)
from connector.domain.index_settings import IndexSettings
from connector.domain.sink_model import CollectionSpec
from connector.domain.source_model import Index
from connector.engine.discovery import ALL_INDEXES, of_account
from connector.engine.owners import Standing, entry_to_write, owner_of
from connector.ledger.ledger_opening import open_store
from connector.ports import Sink, Source
from connector.reindex.alias_check import check_alias, current_jobs
from connector.settings.connector_settings import Settings

T = TypeVar("T")
Status = Literal["ok", "wrong", "unavailable"]

_MEANING: Mapping[Status, str] = {"ok": "ok", "wrong": "error", "unavailable": "warning"}
_STATUS_WIDTH = 12

_WRONG = (ConfigError, AuthenticationFailed, IndexGone, SinkMismatch)


@dataclass(frozen=True, slots=True)
class Finding:
    """`wrong` must be fixed by the operator; `unavailable` may be temporary."""

    name: str
    status: Status
    message: str
    code: str | None = None


async def check(settings: Settings, *, keys_only: bool, as_json: bool) -> Exit:
    """With `keys_only`, a service that cannot be reached is no failure: the daemon waits for it."""
    findings = []
    async for finding in _key_findings(settings) if keys_only else _findings(settings):
        findings.append(finding)
        if not as_json:
            _print(finding)
    ok = all(finding.status == "ok" for finding in findings)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(finding) for finding in findings]})
    else:
        _print_summary(findings)
    if any(finding.status == "wrong" for finding in findings):
        return Exit.CONFIGURATION
    return Exit.DONE if ok or keys_only else Exit.UNAVAILABLE


def _print(finding: Finding) -> None:
    meaning = _MEANING[finding.status]
    put(
        f"[{meaning}]{finding.status:{_STATUS_WIDTH}}[/{meaning}]{text(finding.name)}: {text(finding.message)}",
        hang=_STATUS_WIDTH,
    )


def _print_summary(findings: Sequence[Finding]) -> None:
    parts = [counted(len(findings), "check")]
    for status, meaning in _MEANING.items():
        names = [finding.name for finding in findings if finding.status == status]
        if names and status == "ok":
            parts.append(f"[{meaning}]{'all' if len(names) == len(findings) else number(len(names))} ok[/{meaning}]")
        elif names:
            parts.append(f"[{meaning}]{number(len(names))} {status}[/{meaning}] ({text(', '.join(names))})")
    put(", ".join(parts) + ".")


async def _key_findings(settings: Settings) -> AsyncIterator[Finding]:
    """One request to each service, without retries."""
    async with AsyncExitStack() as stack:
        source = make_source(settings)
        stack.push_async_callback(source.close)
        yield (await _probe("TwelveLabs", source.ping(), lambda _: "the key is accepted"))[0]
        sink = make_sink(settings)
        stack.push_async_callback(sink.close)
        yield (await _probe("Qdrant", sink.version(), partial(_described, settings)))[0]


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    async with AsyncExitStack() as stack:
        finding, writable = await _probe("data directory", asyncio.to_thread(_directory, settings.connector_data_dir))
        yield finding
        known: Ledger | None = None
        if writable:
            finding, known = await _probe("ledger", check_ledger(settings.ledger))
            yield finding
        source = make_source(settings)
        stack.push_async_callback(source.close)
        finding, account = await _probe("TwelveLabs", _account(source))
        yield finding
        needed: list[_Need] = []
        index_ids: tuple[str, ...] | None = ()
        if account:
            finding, index_ids = await _probe("indexes", _ids(settings, account, known))
            if not index_ids:
                yield finding
        for index_id in index_ids or ():
            finding, _ = await _probe(f"index {index_id}", _index(settings, source, index_id, needed))
            yield finding
        sink = make_sink(settings)
        stack.push_async_callback(sink.close)
        finding, version = await _probe("Qdrant", sink.version(), partial(_described, settings))
        yield finding
        for name in dict.fromkeys(need.collection for need in needed) if version else ():
            users = [need for need in needed if need.collection == name]
            yield (await _probe(f"collection {name}", _collection(settings, sink, name, users)))[0]
        for job in current_jobs(settings) if version else ():
            yield (await _probe(f"alias {job.alias}", check_alias(job, settings, sink)))[0]


async def _probe(name: str, work: Awaitable[T], describe: Callable[[T], str] = str) -> tuple[Finding, T | None]:
    """Run one check; return its finding, and its result if it succeeded."""
    try:
        result = await work
    except ConnectorError as error:
        return Finding(name, "wrong" if isinstance(error, _WRONG) else "unavailable", str(error), error.code), None
    return Finding(name, "ok", describe(result)), result


def _described(settings: Settings, version: str) -> str:
    return version if settings.qdrant_url == "embedded" else f"{settings.qdrant_url}, version {version}"


def _directory(path: Path) -> str:
    """Test write access with an unnamed temporary file, which leaves no trace."""
    nearest = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        advice = "Make it writable for this user, or set CONNECTOR_DATA_DIR"
        raise LedgerUnavailable("write to", str(path), str(error), advice) from error
    return f"{path} is writable" if path.exists() else f"{path} does not exist yet; it can be created"


@dataclass(frozen=True, slots=True)
class _Account:
    indexes: list[Index]

    def __str__(self) -> str:
        usable = sum(1 for index in self.indexes if index.model)
        return f"the key is accepted; {len(self.indexes)} indexes, {usable} of them with a Marengo model"


async def _account(source: Source) -> _Account:
    return _Account(await source.indexes())


async def _ids(settings: Settings, account: _Account, ledger: Ledger | None) -> tuple[str, ...]:
    if settings.connector_indexes != ALL_INDEXES:
        return settings.connector_indexes
    return of_account(account.indexes, ledger.index_ids if ledger else ())


async def _index(settings: Settings, source: Source, index_id: str, needed: "list[_Need]") -> str:
    """Check one index; append the collection that it needs to `needed`."""
    index = await source.index(index_id)
    of_index = settings.of_index(index_id)
    shape = of_index.point_config(index)
    needed.append(_Need(index, of_index))
    expiry = f"; it expires at {index.expires_at}" if index.expires_at else ""
    return f"{index.name}, {index.model}, options {', '.join(shape.options)}{expiry}"


@dataclass(frozen=True, slots=True)
class _Need:
    """An index with a Marengo model, and its settings."""

    index: Index
    settings: IndexSettings

    @property
    def collection(self) -> str:
        return self.settings.collection_name(self.index.model or "")


async def _collection(settings: Settings, sink: Sink, name: str, users: Sequence[_Need]) -> str:
    """Check that the collection fits every index that uses it, and that no other connector owns them."""
    found, first = await sink.inspect(name), users[0]
    await sink.check_write_access(found)
    if found is None:
        return _absent(first.settings.known_spec(first.index))
    async with open_store(settings.ledger, read_only=True) as ledger:
        for user in users:
            index_id, me = user.index.index_id, owner_of(await ledger.identity(), user.settings, user.index.model)
            entry_to_write(found, index_id, me, await Standing.of(ledger, index_id))
            spec = user.settings.needed_spec(user.index, found)
            fit = sink.fit(found, spec, user.settings.metadata_indexes)
            if fit.differences:
                raise SinkMismatch("use collection", name, "; ".join(fit.differences), fit.advice)
            if fit.warnings:
                raise SinkMismatch("index payloads of collection", name, "; ".join(fit.warnings))
    return f"fits {first.index.model}"


def _absent(spec: CollectionSpec | None) -> str:
    if spec is None:
        return "does not exist yet; the first asset of this model determines its dimension"
    words = f", and {TRANSCRIPT_BM25}" if spec.sparse_transcript else ""
    vectors = f"{', '.join(spec.options)} of dimension {spec.dimension}{words}"
    return f"does not exist yet; the first sync creates it with {vectors}"
