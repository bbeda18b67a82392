-- A ledger as commit 8eea79b wrote it, dumped to SQL. Do not change it: it stands for the ledgers that users have.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE checkpoints (
    index_id text not null,
    indexed_asset_id text not null,
    opened integer not null default 0,
    collections text not null default '[]',
    applied text,
    attempt text,
    primary key (index_id, indexed_asset_id)
) without rowid;
INSERT INTO "checkpoints" VALUES('films','adopted',1,'["twelvelabs-marengo3.0"]','{"fingerprint": "fp-adopted", "revision": "rev-fp-adopted", "metadata_revision": null, "points": 12, "collection": "twelvelabs-marengo3.0", "applied_at": 1764000000.25, "shallow_at": 1764003600.5, "deep_at": 1764007200.0}',NULL);
INSERT INTO "checkpoints" VALUES('films','applied',0,'["twelvelabs-marengo3.0"]','{"fingerprint": "fp-applied", "revision": "rev-fp-applied", "metadata_revision": "meta-fp-applied", "points": 12, "collection": "twelvelabs-marengo3.0", "applied_at": 1764000000.25, "shallow_at": 1764003600.5, "deep_at": 1764007200.0}',NULL);
INSERT INTO "checkpoints" VALUES('films','deferred',0,'[]',NULL,'{"fingerprint": "fp-deferred", "attempts": 0, "since": 1764000200.0, "reason": "rate limit reached", "code": "rate_limited", "due": 1764020100.0, "tried_at": 1764010200.0}');
INSERT INTO "checkpoints" VALUES('films','failed',0,'[]',NULL,'{"fingerprint": "fp-failed", "attempts": 2, "since": 1764000100.0, "reason": "TwelveLabs responded 500 \u00fc", "code": "source_unavailable", "due": 1764020000.0, "tried_at": 1764010100.0}');
INSERT INTO "checkpoints" VALUES('films','opened',1,'["twelvelabs-marengo3.0"]',NULL,'{"fingerprint": "fp-opened", "attempts": 1, "since": 1764010000.0, "reason": null, "code": null, "due": 0.0, "tried_at": 0.0}');
INSERT INTO "checkpoints" VALUES('films','quarantined',0,'["twelvelabs-marengo3.0"]','{"fingerprint": "fp-before", "revision": "rev-fp-before", "metadata_revision": "meta-fp-before", "points": 12, "collection": "twelvelabs-marengo3.0", "applied_at": 1764000000.25, "shallow_at": 1764003600.5, "deep_at": 1764007200.0}','{"fingerprint": "fp-quarantined", "attempts": 5, "since": 1764000300.0, "reason": "segment 3: NaN", "code": "malformed_asset", "due": 0.0, "tried_at": 1764010300.0}');
INSERT INTO "checkpoints" VALUES('films','reopened',1,'["films-marengo2.7", "twelvelabs-marengo3.0"]','{"fingerprint": "fp-reopened", "revision": "rev-fp-reopened", "metadata_revision": "meta-fp-reopened", "points": 12, "collection": "twelvelabs-marengo3.0", "applied_at": 1764000000.25, "shallow_at": 1764003600.5, "deep_at": 1764007200.0}',NULL);
INSERT INTO "checkpoints" VALUES('films','silent',0,'["twelvelabs-marengo3.0"]','{"fingerprint": "fp-silent", "revision": "rev-fp-silent", "metadata_revision": "meta-fp-silent", "points": 0, "collection": "twelvelabs-marengo3.0", "applied_at": 1764000000.25, "shallow_at": 1764003600.5, "deep_at": 1764007200.0}',NULL);
INSERT INTO "checkpoints" VALUES('films','tried',0,'[]',NULL,'{"fingerprint": "fp-tried", "attempts": 1, "since": 1764010001.0, "reason": null, "code": null, "due": 0.0, "tried_at": 0.0}');
CREATE TABLE claims (
    index_id text not null,
    instance_id text not null,
    epoch integer not null,
    primary key (index_id, instance_id)
) without rowid;
INSERT INTO "claims" VALUES('films','instance-1',7);
INSERT INTO "claims" VALUES('films','instance-2',1);
CREATE TABLE daemon (id integer primary key check (id = 1), live text not null);
INSERT INTO "daemon" VALUES(1,'{"version": "0.1.0", "pid": 4711, "started_at": 1764000000.0, "state": "running", "indexes": {"films": {"doing": "full cycle", "planned": 3, "done": 2, "failures_in_a_row": 1, "lag_sec": 42.5, "error": {"code": "source_unavailable", "message": "no response"}}}}');
CREATE TABLE deletes (index_id text not null, at real not null, indexed_asset_id text not null);
INSERT INTO "deletes" VALUES('films',1764011000.0,'gone-1');
INSERT INTO "deletes" VALUES('films',1764012000.0,'gone-2');
CREATE TABLE identity (id integer primary key check (id = 1), ledger_id text not null);
INSERT INTO "identity" VALUES(1,'0c5cbc4c872a5bed46dea71f381c8871');
CREATE TABLE indexes (index_id text primary key, state text, report text) without rowid;
INSERT INTO "indexes" VALUES('films','{"first_cycle_at": 1763990000.0, "canary_at": 1763990001.5, "deep_due_since": 1761400000.0, "shallow_due_since": 1763900000.0, "index_name": "Films", "withheld_because": "12 deletes within 24 hours exceed the limit of 10", "withheld_from": 40, "watermark": 1764013000.0, "pending": ["indexing-1", "indexing-2"]}','{"index_id": "films", "index_name": "Films", "model": "marengo3.0", "listed": 9, "upserted": 2, "refreshed": 1, "deleted": 2, "unchanged": 3, "waiting": 1, "deferred": 1, "vanished": 1, "withheld": 12, "failed": 1, "quarantined": 1, "points_written": 24, "requests": 17, "complete": true, "duration_sec": 3.25, "error": null, "withheld_because": "12 deletes within 24 hours exceed the limit of 10", "kept": 0, "lag_sec": 42.5, "interrupted": false, "warnings": ["payload index category has another type"], "problems": [{"indexed_asset_id": "failed", "state": "failed", "code": "source_unavailable", "reason": "TwelveLabs responded 500 \u00fc"}]}');
INSERT INTO "indexes" VALUES('news',NULL,'{"index_id": "news", "index_name": null, "model": null, "listed": 0, "upserted": 0, "refreshed": 0, "deleted": 0, "unchanged": 0, "waiting": 0, "deferred": 0, "vanished": 0, "withheld": 0, "failed": 0, "quarantined": 0, "points_written": 0, "requests": 0, "complete": false, "duration_sec": 0.0, "error": {"code": "source_unavailable", "message": "list assets news: no response"}, "withheld_because": null, "kept": 0, "lag_sec": null, "interrupted": false, "warnings": [], "problems": []}');
CREATE TABLE instances (
    index_id text not null,
    collection text not null,
    instance_id text not null,
    primary key (index_id, collection)
) without rowid;
CREATE TABLE orders (
    id integer primary key autoincrement,
    kind text not null,
    arguments text not null,
    state text not null default 'placed',
    progress text,
    result text
);
INSERT INTO "orders" VALUES(1,'sync','{"indexes": ["films"], "allow_deletes": false, "take_over": false}','done','{"films": [2, 3]}','{"reports": [{"index_id": "films", "index_name": "Films", "model": "marengo3.0", "listed": 9, "upserted": 2, "refreshed": 1, "deleted": 2, "unchanged": 3, "waiting": 1, "deferred": 1, "vanished": 1, "withheld": 12, "failed": 1, "quarantined": 1, "points_written": 24, "requests": 17, "complete": true, "duration_sec": 3.25, "error": null, "withheld_because": "12 deletes within 24 hours exceed the limit of 10", "kept": 0, "lag_sec": 42.5, "interrupted": false, "warnings": ["payload index category has another type"], "problems": [{"indexed_asset_id": "failed", "state": "failed", "code": "source_unavailable", "reason": "TwelveLabs responded 500 \u00fc"}]}]}');
INSERT INTO "orders" VALUES(2,'forget','{"index_id": "films"}','refused',NULL,'{"code": "config_error", "message": "no such index"}');
INSERT INTO "orders" VALUES(3,'quarantine drop','{"index_id": "films", "assets": ["quarantined"]}','abandoned',NULL,NULL);
INSERT INTO "orders" VALUES(4,'quarantine retry','{"index_id": "films", "assets": ["quarantined"]}','running',NULL,NULL);
INSERT INTO "orders" VALUES(5,'sync','{"indexes": [], "allow_deletes": true}','placed',NULL,NULL);
CREATE INDEX unfinished on checkpoints (index_id) where opened or attempt is not null;
CREATE INDEX deletes_by_index on deletes (index_id, at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('orders',5);
COMMIT;
