"""A small OTLP/HTTP collector on loopback, which keeps the spans that it receives."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Received:
    """A span; times in nanoseconds since the epoch, ids in hexadecimal, `failed` by its status."""

    name: str
    trace: str
    span: str
    parent: str
    began: int
    ended: int
    facts: Mapping[str, Any]
    failed: bool
    message: str
    events: Sequence[str]


@dataclass(slots=True)
class Collector:
    """`status` is that of its responses; while `answers` is cleared, it sends none."""

    url: str = ""
    spans: list[Received] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    status: int = 200
    requests: int = 0
    answers: threading.Event = field(default_factory=threading.Event)

    def take(self, path: str, body: bytes) -> int:
        self.requests += 1
        self.answers.wait()
        if self.status == 200:
            self.paths.add(path)
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(_facts(group.resource.attributes))
                self.spans += [_span(it) for scope in group.scope_spans for it in scope.spans]
        return self.status

    def roots(self) -> list[Received]:
        return [it for it in self.spans if not it.parent]

    def of(self, root: Received) -> list[Received]:
        """The other spans of its trace, by time."""
        return sorted((it for it in self.spans if it.trace == root.trace and it is not root), key=lambda it: it.began)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    collector.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = collector.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.answers.set()
            server.shutdown()
            thread.join()


def _span(span: Any) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        facts=_facts(span.attributes),
        failed=span.status.code == 2,
        message=span.status.message,
        events=[it.name for it in span.events],
    )


def _facts(attributes: Any) -> dict[str, Any]:
    return {it.key: getattr(it.value, str(it.value.WhichOneof("value"))) for it in attributes}
