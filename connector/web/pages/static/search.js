"use strict";

// The address names the search that is shown, and answers with an error are shown too.
(() => {
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "results" && event.detail.xhr.responseText) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (!xhr.status || requestConfig.path !== "/search") return;
    const query = new URLSearchParams(requestConfig.formData);
    history.replaceState(null, "", `/search?${query}`);
    document.title = `${query.get("q")} · Connector`;
  });
  document.addEventListener("htmx:sendError", () => {
    const results = document.getElementById("results");
    const note = document.createElement("p");
    note.className = "note bad";
    note.setAttribute("role", "alert");
    note.textContent = "The daemon does not answer. Try again when it runs.";
    results?.replaceChildren(note);
  });
})();
