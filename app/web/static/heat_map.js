// Heat map of attention: a row for each target token, and a column for each
// source token. The darker a cell, the greater the attention weight. Columns
// are in the direction of the source sentence.

import { runsLeftward, wordDirection } from "./direction.js";
import { canvas, draw, mark, short, widthOf, word } from "./svg.js";

const MARGIN = 10;
const SLANT = -50; // degrees of the labels along the top
const STEPS = [0, 0.25, 0.5, 0.75, 1];

/** Draw the heat map of two lists of tokens, `source` and `target`. */
export function heatMap(view) {
  const cell = cellSize(view);
  const size = Math.min(16, cell * 0.56);
  const leftward = runsLeftward(view.source);
  const slanted = widest(view.source, size);
  const beyond = slanted * 0.65; // how far the last label stands out
  const left = Math.max(
    MARGIN + widest(view.target, size) + 8, leftward ? MARGIN + beyond : 0,
  );
  const top = MARGIN + size + slanted * 0.77 + 6;
  const right = left + cell * view.source.length;
  const bottom = top + cell * view.target.length;
  const width = right + Math.max(MARGIN, leftward ? 0 : beyond) + 8;
  const places = view.source.map((_, index) =>
    left + cell * (leftward ? view.source.length - 1 - index : index));
  return canvas(
    Math.max(width, left + 180), bottom + 44,
    "Heat map: a row for each word of the translation",
    ...cells(view.weights, places, top, cell),
    ...columnLabels(view.source, places, top, cell, size, leftward),
    ...rowLabels(view.target, left, top, cell, size),
    legend(left, bottom + 14),
  );
}

/** Return the size of a cell in pixels; the more cells, the smaller. */
function cellSize({ source, target }) {
  const most = Math.max(source.length, target.length);
  return Math.min(34, Math.max(18, 620 / most));
}

function widest(labels, size) {
  return Math.max(...labels.map((label) => widthOf(short(label), size)));
}

/** Draw the cells. `places` has the left edge of each source token's column. */
function cells(weights, places, top, cell) {
  const [rows, columns] = [weights.length, places.length];
  const left = Math.min(...places);
  const marks = weights.flatMap((row, target) => row.map((weight, source) =>
    mark("rect", source, target, weight, {
      x: places[source], y: top + cell * target,
      width: cell, height: cell,
    })));
  const paper = draw("rect", {
    x: left, y: top, width: cell * columns, height: cell * rows,
    class: "paper",
  });
  return [paper, ...marks, grid(left, top, cell, rows, columns)];
}

/** Draw the lines between the cells. */
function grid(left, top, cell, rows, columns) {
  const across = Array.from({ length: rows - 1 }, (_, row) =>
    `M${left} ${top + cell * (row + 1)}h${cell * columns}`);
  const down = Array.from({ length: columns - 1 }, (_, column) =>
    `M${left + cell * (column + 1)} ${top}v${cell * rows}`);
  return draw("path", { d: [...across, ...down].join(""), class: "grid" });
}

/** Draw the labels above the columns, slanted in the reading direction. */
function columnLabels(labels, places, top, cell, size, leftward) {
  const slant = leftward ? -SLANT : SLANT;
  return labels.map((label, index) => {
    const shift = leftward ? -0.2 : 0.2;
    const x = places[index] + cell * 0.5 + size * shift;
    const y = top - 6;
    const box = {
      x, y, size, width: widthOf(short(label), size), toLeft: leftward,
      direction: wordDirection(label, leftward),
    };
    return word("source", index, label, box, `rotate(${slant} ${x} ${y})`);
  });
}

function rowLabels(labels, left, top, cell, size) {
  const leftward = runsLeftward(labels);
  return labels.map((label, index) => {
    const y = top + cell * (index + 0.5) + size * 0.33;
    const width = widthOf(short(label), size);
    const direction = wordDirection(label, leftward);
    const box = { x: left - 8, y, size, width, direction, toLeft: true };
    return word("target", index, label, box);
  });
}

/** Draw the legend of the shades, from 0 to 100 %. */
function legend(left, top) {
  const group = draw("g", { class: "legend" });
  STEPS.forEach((weight, index) => {
    const box = { x: left + 16 * index, y: top, width: 16, height: 8 };
    group.append(
      draw("rect", { ...box, class: "paper" }),
      draw("rect", { ...box, class: "shade", "fill-opacity": weight }),
    );
  });
  const end = left + 16 * STEPS.length;
  group.append(
    draw("text", { x: left, y: top + 21, "font-size": 11 }, "0"),
    draw("text", {
      x: end, y: top + 21, "font-size": 11, "text-anchor": "end",
    }, "100 %"),
  );
  return group;
}
