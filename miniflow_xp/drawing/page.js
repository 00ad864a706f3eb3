"use strict";
// The arrows lead from a box to what it reads, to what reads it, and to its neighbours in the row.
const middle = (part) => {
  const { left, right, top, bottom } = part.getBoundingClientRect();
  return { x: (left + right) / 2, y: (top + bottom) / 2, top, bottom };
};
const near = (from, parts) =>
  parts.sort((a, b) => Math.abs(middle(a).x - from.x) - Math.abs(middle(b).x - from.x))[0];
const stop = (box) => box && (box.closest("a") || box);
addEventListener("keydown", (event) => {
  const here = document.activeElement;
  const box = here && (here.matches(".box") ? here : here.querySelector(":scope > .box"));
  if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
  const svg = box.closest("svg"), key = box.dataset.key, from = middle(box);
  const others = (end, other) => [...svg.querySelectorAll(`.edge[data-${end}="${key}"]`)]
    .map((edge) => svg.querySelector(`.box[data-key="${edge.dataset[other]}"]`));
  const beside = (sign) => [...svg.querySelectorAll(".box")].filter((part) => {
    const at = middle(part);
    return at.top < from.bottom && at.bottom > from.top && sign * (at.x - from.x) > 1;
  });
  const found = {
    ArrowUp: () => near(from, others("target", "source")),
    ArrowDown: () => near(from, others("source", "target")),
    ArrowLeft: () => near(from, beside(-1)),
    ArrowRight: () => near(from, beside(1)),
  }[event.key];
  if (!found) return;
  event.preventDefault();
  const next = stop(found());
  if (next) {
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
});
// After a group is folded or unfolded, the focus is on it.
addEventListener("hashchange", (event) => {
  const group = document.activeElement?.dataset?.group || pressed;
  const shown = document.querySelector(".picture:target") || document.querySelector(".picture");
  const link = group && shown.querySelector(`[data-group="${group}"]`);
  const target = link && (link.closest("a") || link.querySelector("a"));
  if (target) {
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
});
let pressed = "";
addEventListener("click", (event) => {
  const part = event.target.closest && event.target.closest("[data-group]");
  pressed = part ? part.dataset.group : "";
});
