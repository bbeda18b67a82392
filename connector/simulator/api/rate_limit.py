"""A request rate limit over fixed windows, and the three known formats of a 429 response."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from connector.simulator.api.api_errors import ApiError, body_for
from connector.simulator.world.knobs import Knobs


@dataclass(frozen=True, slots=True)
class RequestWindow:
    """The limit's state after a request; `reset_s` is in seconds from now, `reset_at` in epoch seconds."""

    limit: int
    used: int
    reset_s: float
    reset_at: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    @property
    def wait_s(self) -> int:
        """Whole seconds to wait, at least 1."""
        return max(1, -int(-self.reset_s // 1))


class RateLimit:
    """Counts every request of the account in windows of real time."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._window_began = timer()
        self._used = 0

    def count(self, knobs: Knobs, now_ms: int) -> RequestWindow | None:
        """None without a limit. A rejected request does not count against the next window."""
        if knobs.rate_limit is None:
            return None
        elapsed = self._timer() - self._window_began
        if elapsed >= knobs.rate_limit_window_s:
            self._window_began += elapsed - elapsed % knobs.rate_limit_window_s
            elapsed, self._used = elapsed % knobs.rate_limit_window_s, 0
        self._used += 1
        left = knobs.rate_limit_window_s - elapsed
        return RequestWindow(knobs.rate_limit, self._used, left, int(now_ms / 1000 + left) + 1)


def quota_headers(quota: RequestWindow, knobs: Knobs) -> dict[str, str]:
    """The old headers, the per-dimension ones, both or none; on every response while a limit is set."""
    used = min(quota.used, quota.limit)
    values = {"limit": quota.limit, "remaining": quota.limit - used, "reset": quota.reset_at}
    headers: dict[str, str] = {}
    if knobs.rate_limit_headers in {"old", "both"}:
        headers |= {f"x-ratelimit-{name}": str(value) for name, value in {**values, "used": used}.items()}
    if knobs.rate_limit_headers in {"new", "both"}:
        headers["x-ratelimit-dimensions"] = "Request"
        headers |= {f"x-ratelimit-request-{name}": str(value) for name, value in values.items()}
    return headers


def too_many(path: str, knobs: Knobs, limit: int, wait_s: int) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a 429 in the format that the knobs select; embed-v2 nests the body unless it is empty."""
    headers = {"retry-after": str(wait_s)} if knobs.retry_after else {}
    if knobs.rate_limit_body == "empty":
        return b"", headers
    error = ApiError(
        429,
        "too_many_requests",
        f"You have exceeded the rate limit of {limit} requests. Try again in {wait_s} seconds.",
        {"retryAfter": str(wait_s), "limit": str(limit)},
    )
    family = "/embed-v2" if knobs.rate_limit_body == "nested" else path
    return msgspec.json.encode(body_for(family, error)), {**headers, "content-type": "application/json"}
