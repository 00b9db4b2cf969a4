// Table of the attention weights, which screen readers can read.

import { runsLeftward, wordDirection } from "./direction.js";
import { percent } from "./looking.js";

/** Fill a table: a row for each target token, a column for each source one. */
export function fillTable(table, { source, target, weights }) {
  table.dir = runsLeftward(source) ? "rtl" : "ltr";
  const caption = document.createElement("caption");
  caption.dir = "ltr";
  caption.textContent = "How much each token of the translation (rows) " +
    "looked at each token of the sentence (columns)";
  const head = document.createElement("thead");
  const corner = document.createElement("td");
  const columns = headers(source, "col");
  head.append(row([corner, ...columns]));
  const body = document.createElement("tbody");
  headers(target, "row").forEach((header, index) => {
    body.append(row([header, ...weights[index].map(cell)]));
  });
  table.replaceChildren(caption, head, body);
}

function row(cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

function headers(labels, scope) {
  const leftward = runsLeftward(labels);
  return labels.map((label) => {
    const element = document.createElement("th");
    element.scope = scope;
    element.textContent = label;
    element.dir = wordDirection(label, leftward);
    return element;
  });
}

function cell(share) {
  const element = document.createElement("td");
  element.textContent = percent(share);
  element.dir = "ltr";
  element.classList.toggle("faint", share < 0.01);
  return element;
}
