"""Documents of `connector status` for tests of how they are shown."""

from typing import Any

NOW = 1_764_454_200.0
POLL_AT = "2025-11-29T22:10:42.000Z"


def index(number: int = 1, **facts: Any) -> dict[str, Any]:
    """An index in sync; `facts` replace its own."""
    plain: dict[str, Any] = {
        "index_id": f"66aa{number:020}",
        "index_name": f"sports-{number}",
        "model": "marengo3.0",
        "expires_at": None,
        "expires_soon": False,
        "assets": 10_000,
        "applied": 10_000,
        "points": 480_000,
        "backlog": {},
        "counts": dict.fromkeys(("opened", "deferred", "failed", "quarantined", "pending"), 0),
        "opened": [],
        "deferred": [],
        "failed": [],
        "quarantined": [],
        "pending": [],
        "withheld": 0,
        "withheld_because": None,
        "lag_sec": 2.1,
        "worst_lag_sec": 14.0,
        "assets_per_minute": 0.0,
        "remaining_sec": None,
        "last_cycle_at": "2025-11-29T22:00:00.000Z",
        "last_success_at": "2025-11-29T22:00:00.000Z",
        "last_cycle": {"error": None, "interrupted": False, "duration_sec": 3.25, "waiting": 0, "problems": []},
        "last_cycle_problems": 0,
        "next_offset": None,
    }
    return {**plain, **facts}


def troubled(number: int = 2, *, problems: int = 1) -> dict[str, Any]:
    """An index in every state at once."""
    counts = {"opened": 4, "deferred": 0, "failed": problems, "quarantined": 1, "pending": 1}
    cycle = {"error": None, "interrupted": False, "duration_sec": 3.25, "waiting": 12}
    withheld = {"indexed_asset_id": "gone-1", "filename": "gone.mp4", "state": "withheld"}
    return index(
        number,
        applied=9_812,
        backlog={"fresh": 20, "backlog": 160},
        counts=counts,
        failed=[problem(f"failed-{it}") for it in range(problems)],
        quarantined=[problem("quarantined-1")],
        pending=[
            {
                "indexed_asset_id": "pending-1",
                "filename": None,
                "points": 3,
                "absent_since": "2025-11-29T21:00:00.000Z",
                "due": "2025-11-30T21:00:00.000Z",
            }
        ],
        withheld=2,
        withheld_because="2 deletes exceed the limit of 1",
        assets_per_minute=120.5,
        remaining_sec=90,
        last_cycle={**cycle, "problems": [withheld]},
    )


def problem(name: str) -> dict[str, Any]:
    reason = "retrieve asset: segment 3 has a null vector. Re-index it in TwelveLabs"
    return {
        "indexed_asset_id": name,
        "filename": f"{name}.mp4",
        "attempts": 2,
        "code": "malformed_asset",
        "reason": reason,
        "due": "2025-11-29T22:20:00.000Z",
    }


def live(doing: str = "waiting", **facts: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "doing": doing,
        "planned": 0,
        "done": 0,
        "error": None,
        "next_poll_at": POLL_AT,
        "next_cycle_at": None,
    }
    return {**plain, **facts}


def document(*indexes: dict[str, Any], daemon: dict[str, dict[str, Any]] | None = None, **facts: Any) -> dict[str, Any]:
    """`daemon`: what a running one says of its indexes, by index id."""
    running = {"state": "running", "pid": 4711, "limited_by": None, "not_ready": {}, "indexes": daemon or {}, **facts}
    return {"ledger": "ledger.sqlite3", "daemon": None if daemon is None else running, "indexes": [*indexes]}
