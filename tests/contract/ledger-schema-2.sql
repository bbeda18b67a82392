-- A ledger as commit 95a6e9c wrote it, with schema version 2, dumped to SQL. Do not change it.
BEGIN TRANSACTION;
CREATE TABLE checkpoints (
    index_id text not null,
    indexed_asset_id text not null,
    opened integer not null default 0,
    collections text not null default '[]',
    fingerprint text,
    revision text,
    metadata_revision text,
    points integer,
    collection text,
    applied_at real,
    shallow_at real,
    deep_at real,
    tried_fingerprint text,
    attempts integer,
    since real,
    reason text,
    code text,
    due real,
    tried_at real,
    priority integer,
    listed text,
    primary key (index_id, indexed_asset_id)
) without rowid;
INSERT INTO "checkpoints" VALUES('films','applied',0,'["twelvelabs-marengo3.0"]','fp-applied','revision-1','metadata-1',3,'twelvelabs-marengo3.0',1764000000.25,1764000000.25,1764000000.25,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"indexed_asset_id":"applied","status":"ready","asset_id":"video-1","created_at":"2026-01-14T13:34:29Z","updated_at":null,"indexed_at":null,"filename":"applied.mp4","duration_sec":12.5,"fps":null,"width":null,"height":null,"size_bytes":null}');
INSERT INTO "checkpoints" VALUES('films','failed',0,'["twelvelabs-marengo3.0"]','fp-failed','revision-1','metadata-1',3,'twelvelabs-marengo3.0',1764000000.25,1764000000.25,1764000000.25,'fp-new',2,1764000100.0,'TwelveLabs responded 500 ü','source_unavailable',1764020000.0,1764010100.0,NULL,NULL);
INSERT INTO "checkpoints" VALUES('films','opened',1,'["films-marengo2.7", "twelvelabs-marengo3.0"]','fp-opened','revision-1','metadata-1',3,'twelvelabs-marengo3.0',1764000000.25,1764000000.25,1764000000.25,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "checkpoints" VALUES('films','planned',0,'[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3,'{"indexed_asset_id":"planned","status":"ready","asset_id":null,"created_at":"2026-01-14T13:34:29Z","updated_at":null,"indexed_at":null,"filename":"planned.mp4","duration_sec":null,"fps":null,"width":null,"height":null,"size_bytes":null}');
CREATE TABLE claims (
    index_id text not null,
    instance_id text not null,
    epoch integer not null,
    primary key (index_id, instance_id)
) without rowid;
INSERT INTO "claims" VALUES('films','instance-1',7);
CREATE TABLE cycles (
    id integer primary key autoincrement,
    index_id text not null,
    kind text not null,
    ended_at real not null,
    report text not null
);
INSERT INTO "cycles" VALUES(1,'films','full cycle',1764013200.0,'{"index_id": "films", "index_name": "Films", "model": null, "listed": 4, "upserted": 0, "refreshed": 0, "deleted": 0, "unchanged": 0, "waiting": 0, "deferred": 0, "vanished": 0, "withheld": 0, "failed": 0, "quarantined": 0, "points_written": 0, "requests": 0, "complete": true, "duration_sec": 0.0, "error": null, "withheld_because": null, "kept": 0, "lag_sec": null, "interrupted": false, "warnings": [], "problems": []}');
CREATE TABLE daemon (id integer primary key check (id = 1), live text not null);
CREATE TABLE deletes (index_id text not null, at real not null, indexed_asset_id text not null);
INSERT INTO "deletes" VALUES('films',1764012000.0,'gone');
CREATE TABLE identity (id integer primary key check (id = 1), ledger_id text not null);
INSERT INTO "identity" VALUES(1,'12df67fce15509b84089124c0a01365a');
CREATE TABLE indexes (
    index_id text primary key,
    first_cycle_at real,
    canary_at real,
    deep_due_since real,
    shallow_due_since real,
    index_name text,
    model text,
    model_options text,
    expires_at text,
    withheld_because text,
    withheld_from integer,
    watermark real,
    pending text,
    listed_at real,
    listed_with text,
    report text
) without rowid;
INSERT INTO "indexes" VALUES('films',1763990000.0,1763990001.5,0.0,0.0,'Films','marengo3.0','["visual", "audio"]','2026-03-01T00:00:00Z',NULL,NULL,1764013000.0,'["indexing-1"]',1764013100.5,'digest','{"index_id": "films", "index_name": "Films", "model": null, "listed": 4, "upserted": 0, "refreshed": 0, "deleted": 0, "unchanged": 0, "waiting": 0, "deferred": 0, "vanished": 0, "withheld": 0, "failed": 0, "quarantined": 0, "points_written": 0, "requests": 0, "complete": true, "duration_sec": 0.0, "error": null, "withheld_because": null, "kept": 0, "lag_sec": null, "interrupted": false, "warnings": [], "problems": []}');
CREATE TABLE minutes (
    index_id text not null,
    minute integer not null,
    assets integer not null,
    points integer not null,
    lags integer not null,
    lag_sum real not null,
    lag_max real not null,
    primary key (index_id, minute)
) without rowid;
INSERT INTO "minutes" VALUES('films',29400220,3,9,1,2.5,2.5);
CREATE TABLE orders (
    id integer primary key autoincrement,
    kind text not null,
    arguments text not null,
    state text not null default 'placed',
    progress text,
    result text
);
CREATE TABLE totals (
    index_id text primary key,
    assets integer not null,
    applied integer not null,
    points integer not null,
    opened integer not null,
    fresh integer not null,
    command integer not null,
    refresh integer not null,
    backlog integer not null
) without rowid;
INSERT INTO "totals" VALUES('films',4,2,9,1,0,0,0,1);
CREATE INDEX unfinished on checkpoints (index_id) where (opened or attempts is not null) and priority is null;
CREATE INDEX planned on checkpoints (index_id) where priority is not null;
CREATE INDEX deletes_by_index on deletes (index_id, at);
CREATE INDEX cycles_by_index on cycles (index_id, id);
CREATE TRIGGER totals_insert after insert on checkpoints begin insert or ignore into totals values (new.index_id, 0, 0, 0, 0, 0, 0, 0, 0); update totals set assets = assets + 1, applied = applied + (new.points is not null and not new.opened), points = points + coalesce(new.points, 0), opened = opened + (new.opened and new.attempts is null and new.priority is null), fresh = fresh + (new.priority is 0), command = command + (new.priority is 1), refresh = refresh + (new.priority is 2), backlog = backlog + (new.priority is 3) where index_id = new.index_id; end;
CREATE TRIGGER totals_delete after delete on checkpoints begin update totals set assets = assets - 1, applied = applied - (old.points is not null and not old.opened), points = points - coalesce(old.points, 0), opened = opened - (old.opened and old.attempts is null and old.priority is null), fresh = fresh - (old.priority is 0), command = command - (old.priority is 1), refresh = refresh - (old.priority is 2), backlog = backlog - (old.priority is 3) where index_id = old.index_id; end;
CREATE TRIGGER totals_update after update of opened, points, attempts, priority on checkpoints begin update totals set assets = assets - 1, applied = applied - (old.points is not null and not old.opened), points = points - coalesce(old.points, 0), opened = opened - (old.opened and old.attempts is null and old.priority is null), fresh = fresh - (old.priority is 0), command = command - (old.priority is 1), refresh = refresh - (old.priority is 2), backlog = backlog - (old.priority is 3) where index_id = old.index_id; update totals set assets = assets + 1, applied = applied + (new.points is not null and not new.opened), points = points + coalesce(new.points, 0), opened = opened + (new.opened and new.attempts is null and new.priority is null), fresh = fresh + (new.priority is 0), command = command + (new.priority is 1), refresh = refresh + (new.priority is 2), backlog = backlog + (new.priority is 3) where index_id = new.index_id; end;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('cycles',1);
COMMIT;
PRAGMA user_version = 2;
