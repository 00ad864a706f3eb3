"use strict";
(() => {
  const steps = [...document.querySelectorAll(".step")];
  const boxes = new Map([...document.querySelectorAll("svg.drawing .box")].map((box) => [box.dataset.key, box]));
  const edges = [...document.querySelectorAll("svg.drawing .edge")];
  const graph = document.querySelector(".graph");
  // What is wider than its place can be scrolled by keys.
  const focusable = () => document.querySelectorAll(".step:not([hidden]) .scroll").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });
  const slider = document.getElementById("slider"), where = document.getElementById("where");
  const quick = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let now = -1;

  // Of a node in a folded group, the group's box is the one that is there.
  const shown = (keys) => boxes.get(keys.split(",").find((key) => boxes.has(key)));
  const boxesOf = (words) => words.split(" ").filter(Boolean).map(shown).filter(Boolean);
  const keysOf = (found) => new Set(found.map((box) => box.dataset.key));

  // The boxes of the steps so far in these directions.
  const walked = (...directions) => new Set(steps.slice(0, now + 1)
    .filter((step) => directions.includes(step.dataset.direction)).flatMap((step) => boxesOf(step.dataset.boxes)));

  // What stands in a box under "value" and "gradient" is not there before it is computed.
  for (const box of boxes.values()) {
    let part = "";
    for (const text of box.querySelectorAll("text")) {
      if (["value", "gradient"].includes(text.textContent)) part = text.textContent;
      if (part) text.classList.add(`of-${part}`);
    }
  }

  function light(step, first) {
    const lit = boxesOf(step.dataset.boxes), beside = boxesOf(step.dataset.beside);
    const backward = step.dataset.direction === "backward";
    const computed = walked("fed", "forward"), arrived = walked("backward");
    for (const box of boxes.values()) {
      const reached = beside.includes(box) || box.classList.contains("constant");
      box.classList.toggle("lit", lit.includes(box));
      box.classList.toggle("beside", beside.includes(box) && !lit.includes(box));
      box.classList.toggle("computed", computed.has(box));
      box.classList.toggle("arrived", arrived.has(box));
      box.classList.toggle("later", !reached && !(backward ? arrived : computed).has(box));
    }
    const inner = keysOf(lit), outer = keysOf(beside);
    for (const edge of edges)
      edge.classList.toggle("lit", joins(edge.dataset, inner, outer) || joins(edge.dataset, outer, inner));
    graph.classList.toggle("backward", backward);
    if (lit.length) reveal(lit[0], first);
  }

  const joins = (edge, sources, targets) => sources.has(edge.source) && targets.has(edge.target);

  // Scrolls the graph alone, so that the page stays where it is.
  function reveal(box, first) {
    const a = box.getBoundingClientRect(), b = graph.getBoundingClientRect();
    graph.scrollBy({
      left: a.left + a.width / 2 - b.left - b.width / 2, top: a.top + a.height / 2 - b.top - b.height / 2,
      behavior: quick || first ? "auto" : "smooth",
    });
  }

  function go(number) {
    const next = Math.min(Math.max(number, 0), steps.length - 1);
    if (next === now) return;
    const first = now < 0;
    now = next;
    steps.forEach((step, n) => { step.hidden = n !== now; });
    const step = steps[now], words = step.querySelector("h2").textContent.replace(/^\d+\s*/, "");
    slider.value = String(now + 1);
    slider.setAttribute("aria-valuetext", `step ${now + 1} of ${steps.length}: ${words}`);
    where.textContent = `Step ${now + 1} of ${steps.length} · ${words}${step.classList.contains("wrong") ? " · wrong" : ""}`;
    for (const [id, end] of [["first", 0], ["back", 0], ["next", steps.length - 1], ["last", steps.length - 1]])
      document.getElementById(id).setAttribute("aria-disabled", String(now === end));
    focusable();
    light(step, first);
  }

  const moves = {
    ArrowLeft: () => now - 1, ArrowRight: () => now + 1, Home: () => 0, End: () => steps.length - 1,
  };
  document.addEventListener("keydown", (event) => {
    const at = event.target, move = moves[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const scrolls = at.matches?.(".scroll, .graph") && at.scrollWidth > at.clientWidth; // by its own keys
    if (scrolls && event.key.startsWith("Arrow")) return;
    event.preventDefault();
    go(move());
  });
  slider.addEventListener("input", () => go(Number(slider.value) - 1));
  for (const [id, key] of [["first", "Home"], ["back", "ArrowLeft"], ["next", "ArrowRight"], ["last", "End"]])
    document.getElementById(id).addEventListener("click", () => go(moves[key]()));

  // A box leads to its step in the direction that is walked.
  function follow(box) {
    const about = (step) => boxesOf(step.dataset.boxes).includes(box);
    const same = steps.findIndex((step) => about(step) && step.dataset.direction === steps[now].dataset.direction);
    const found = same < 0 ? steps.findIndex(about) : same;
    if (found >= 0) go(found);
  }
  for (const box of boxes.values()) {
    box.setAttribute("role", "button");
    box.addEventListener("click", () => follow(box));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); follow(box); }
    });
  }

  function fromAddress() {
    const number = Number(location.hash.replace("#step-", ""));
    go(number >= 1 ? number - 1 : Math.max(now, 0));
  }
  addEventListener("hashchange", fromAddress);
  for (const link of document.querySelectorAll('a[href^="#step-"]'))
    link.addEventListener("click", (event) => { event.preventDefault(); go(Number(link.hash.slice(6)) - 1); });
  for (const step of steps) step.removeAttribute("id"); // or the browser scrolls to the one in the address
  document.documentElement.classList.add("walking");
  document.querySelector(".controls").hidden = false;
  fromAddress();
})();
