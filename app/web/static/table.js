// The weights as a table, for reading and for screen readers.

import { percent } from "./looking.js";

/** Fill a table: a row for each target token, a column for each source one. */
export function fillTable(table, { source, target, weights }) {
  const caption = document.createElement("caption");
  caption.textContent = "How much each token of the translation (rows) " +
    "looked at each token of the sentence (columns)";
  const head = document.createElement("thead");
  const corner = document.createElement("td");
  head.append(row([corner, ...source.map((label) => header(label, "col"))]));
  const body = document.createElement("tbody");
  weights.forEach((shares, index) => {
    const cells = shares.map(cell);
    body.append(row([header(target[index], "row"), ...cells]));
  });
  table.replaceChildren(caption, head, body);
}

function row(cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

function header(label, scope) {
  const element = document.createElement("th");
  element.scope = scope;
  element.textContent = label;
  return element;
}

function cell(share) {
  const element = document.createElement("td");
  element.textContent = percent(share);
  element.classList.toggle("faint", share < 0.01);
  return element;
}
