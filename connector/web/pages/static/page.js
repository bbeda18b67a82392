"use strict";

// Keeps relative times current. `data-now` and the times of the stream are the server's clock.
(() => {
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  let ahead = 0;

  function setClock(now) {
    ahead = Number(now) - Date.now() / 1000;
  }

  function relative(seconds) {
    const size = Math.abs(Math.round(seconds));
    if (size <= 1) return "now";
    const [unit, name] = UNITS.find(([length]) => size >= length);
    const shown = `${Math.floor(size / unit)} ${name}`;
    return seconds > 0 ? `in ${shown}` : `${shown} ago`;
  }

  function showTimes() {
    const now = Date.now() / 1000 + ahead;
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const left = Date.parse(time.dateTime) / 1000 - now;
      const text = "due" in time.dataset && left <= 0 ? "due" : relative(left);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function afterUpdate() {
    const asOf = document.getElementById("as-of");
    if (asOf) setClock(asOf.dataset.now);
    showTimes();
  }

  setClock(document.body.dataset.now);
  setInterval(showTimes, 1000);
  document.addEventListener("htmx:afterSettle", afterUpdate);
  document.addEventListener("htmx:sseMessage", afterUpdate);
})();
