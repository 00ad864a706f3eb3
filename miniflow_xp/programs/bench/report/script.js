// Comfort only: everything is readable without it.
"use strict";

// Sort a table by a column: numbers where its cells carry them, else texts.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (!body || body.rows.length < 3) continue;
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column];
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x.dataset.v && y.dataset.v) return Number(x.dataset.v) - Number(y.dataset.v);
        if (x.dataset.v || y.dataset.v) return x.dataset.v ? -1 : 1;
        return x.textContent.localeCompare(y.textContent, undefined, { numeric: true });
      };
      const rows = [...body.rows].sort(order);
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}

// Say of a table that is wider than its box that it goes on.
const look = () => {
  for (const box of document.querySelectorAll(".scroll")) box.classList.toggle("cut", box.scrollWidth > box.clientWidth + 1);
};
addEventListener("resize", look);
look();

// Tell the value of the nearest marker, for a pointer or a finger.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);
for (const figure of document.querySelectorAll("svg.plot")) {
  const told = [...figure.querySelectorAll(".m > title, rect > title, g > title")].map((title) => {
    const found = { shape: title.parentNode, text: title.textContent };
    title.remove();
    return found;
  });
  const middle = (box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const distance = (shape, event) => {
    const box = shape.getBoundingClientRect();
    if (shape.tagName !== "path") {
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      return inside ? 20 : Infinity;
    }
    const [x, y] = middle(box);
    return Math.hypot(event.clientX - x, event.clientY - y);
  };
  const show = (event) => {
    let nearest = null;
    let least = 24;
    for (const one of told) {
      const far = distance(one.shape, event);
      if (far < least) [nearest, least] = [one, far];
    }
    tip.hidden = nearest === null;
    if (nearest === null) return;
    tip.textContent = nearest.text;
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 4))}px`;
    tip.style.top = `${Math.max(4, event.clientY - tip.offsetHeight - 12)}px`;
  };
  figure.addEventListener("pointermove", show);
  figure.addEventListener("pointerdown", show);
  figure.addEventListener("pointerleave", () => { tip.hidden = true; });
}
