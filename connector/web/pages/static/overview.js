"use strict";

// Says whether the stream of changes is connected. Parts that arrive keep what the reader had opened.
(() => {
  const LOST_MS = 12000;
  const GRACE_MS = 4000;
  const live = document.getElementById("live");
  const state = document.getElementById("live-state");
  let seen = Date.now();
  let broken = null;
  let stale = null;

  function show(name, text) {
    if (live.dataset.state === name) return false;
    live.dataset.state = name;
    state.textContent = text;
    return true;
  }

  function headline() {
    return document.getElementById("headline");
  }

  // What was current then need not be so now.
  function lost() {
    if (!show("lost", "Connection lost, trying again")) return;
    const answer = document.getElementById("answer");
    if (answer.classList.contains("current")) {
      stale = { answer, text: headline().textContent };
      answer.classList.replace("current", "unknown");
      headline().replaceChildren("Was current ", document.querySelector("#as-of time").cloneNode(true), "; the connection is lost");
    }
    document.title = "Connection lost · Connector";
  }

  // The stream replaces the answer only if it has changed.
  function found() {
    if (!show("live", "Live")) return;
    if (stale?.answer.isConnected && stale.answer.classList.replace("unknown", "current")) headline().textContent = stale.text;
    stale = null;
    tell();
  }

  document.addEventListener("htmx:sseMessage", () => {
    seen = Date.now();
    broken = null;
    found();
  });
  document.addEventListener("htmx:sseError", () => {
    broken = broken ?? Date.now();
  });
  setInterval(() => {
    const now = Date.now();
    if (now - seen > LOST_MS || (broken && now - broken > GRACE_MS)) lost();
  }, 1000);

  // A tab in the background shows the headline in its title; a screen reader is told when it changes.
  function tell() {
    if (live.dataset.state === "lost") return;
    const said = document.getElementById("said");
    const text = headline().textContent;
    document.title = `${text} · Connector`;
    if (said.dataset.headline !== text) said.dataset.headline = said.textContent = text;
  }

  const open = new Map();
  document.addEventListener("toggle", (event) => open.set(event.target.id, event.target.open), true);
  document.addEventListener("htmx:oobAfterSwap", () => {
    tell();
    for (const details of document.querySelectorAll("details[id]")) {
      const wanted = open.get(details.id);
      if (wanted !== undefined && details.open !== wanted) details.open = wanted;
    }
  });
})();

// Charts of the lag. The numbers are attributes of the part around the chart, which is replaced when they change.
(() => {
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000, 86400, 432000];
  const charts = new Map();
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function short(seconds) {
    if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
    if (seconds < 3600) return `${Math.round(seconds / 6) / 10} min`;
    return `${Math.round(seconds / 360) / 10} h`;
  }

  function numbersOf(place) {
    const { first, step, mean, worst } = document.getElementById(place.dataset.chart).dataset;
    const lags = [mean, worst].map((text) => JSON.parse(text));
    return [lags[0].map((_, place) => Number(first) + place * Number(step)), ...lags];
  }

  function axis(values) {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return { stroke: color("--muted"), font, grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, ...values };
  }

  function draw(place) {
    const size = { width: place.clientWidth, height: place.clientHeight };
    const series = (name, label, width, dash) => (
      { label, stroke: color(name), width, dash, points: { show: lonely, size: 4, fill: color(name) } }
    );
    const options = {
      ...size,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 18, 0, 0],
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] } },
      axes: [axis({ values: hours, size: 28 }), axis({ size: 56, space: 32, incrs: STEPS, values: (_, ticks) => ticks.map(short) })],
      series: [{}, series("--backlog", "mean", 2), series("--deferred", "worst", 1, [4, 3])],
    };
    charts.get(place.id)?.chart.destroy();
    charts.set(place.id, { place, chart: new uPlot(options, numbersOf(place), place) });
  }

  // A point is drawn only where no line leads to it.
  function lonely(chart, number) {
    return chart.data[number].some((it, at, all) => it !== null && (all[at - 1] ?? null) === null && (all[at + 1] ?? null) === null);
  }

  function hours(_, ticks) {
    return ticks.map((at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
  }

  function update() {
    for (const place of document.querySelectorAll("[data-chart]")) {
      const known = charts.get(place.id);
      if (known && known.place === place) known.chart.setData(numbersOf(place));
      else { draw(place); sizes.observe(place); }
    }
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      charts.get(target.id)?.chart.setSize({ width: target.clientWidth, height: target.clientHeight });
    }
  });
  let due = 0;
  update();
  document.addEventListener("htmx:oobAfterSwap", () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(update);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const { place } of charts.values()) draw(place);
  });
})();
