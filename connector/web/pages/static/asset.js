"use strict";

// On a narrow screen the timeline scrolls: bring the moment into view.
document.addEventListener("DOMContentLoaded", () => {
  const moment = document.querySelector(".timeline .moment");
  const frame = moment?.closest(".scrolled");
  if (!frame) return;
  const { left, width } = moment.getBoundingClientRect();
  frame.scrollLeft += left + width / 2 - frame.getBoundingClientRect().left - frame.clientWidth / 2;
});
