// Ribbons picture of attention: two sentences, one above the other, and a
// ribbon between two words for each attention weight. The greater the weight,
// the wider the ribbon. Each sentence has its own direction.

import { runsLeftward, wordDirection } from "./direction.js";
import { canvas, mark, short, widthOf, word } from "./svg.js";

const GAP = 16; // least space between words
const WIDEST_GAP = 64; // greatest space between words
const WIDTH = 18; // of a ribbon of weight 1
const LEAST = 0.01; // smaller weights are not drawn
const MARGIN = 14;
const TOP = 32; // base line of the source
const DESCENT = 16; // below the base line of the translation

/** Draw the ribbons between two lists of tokens, `source` and `target`. */
export function ribbons(view) {
  const width = Math.max(lineWidth(view.source), lineWidth(view.target));
  const depth = Math.round(Math.min(260, Math.max(120, width * 0.24)));
  const bottom = TOP + depth;
  const upper = boxes(view.source, width, TOP);
  const lower = boxes(view.target, width, bottom + 22);
  const bands = looks(view.weights, upper, lower)
    .map((look) => band(look, TOP + 10, bottom));
  const place = (side) => (box, index) =>
    word(side, index, view[side][index], box);
  return canvas(
    width + 2 * MARGIN, bottom + 22 + DESCENT,
    "Ribbons between the sentence and its translation",
    ...bands, ...upper.map(place("source")), ...lower.map(place("target")),
  );
}

function lineWidth(labels, gap = GAP) {
  const widths = labels.map((label) => widthOf(short(label)));
  return widths.reduce((sum, width) => sum + width + gap, -gap);
}

/**
 * Return the positions of the words of a line, spread over the width. The first
 * word is on the right if the line is read from right to left.
 */
function boxes(labels, width, y) {
  const leftward = runsLeftward(labels);
  const spare = (width - lineWidth(labels)) / Math.max(1, labels.length - 1);
  const gap = Math.min(WIDEST_GAP, GAP + spare);
  let x = MARGIN + (width - lineWidth(labels, gap)) / 2;
  return labels.map((label) => {
    const wide = widthOf(short(label));
    const box = {
      x: leftward ? width + 2 * MARGIN - x - wide : x, y, width: wide,
      direction: wordDirection(label, leftward),
    };
    x += wide + gap;
    return box;
  });
}

/** List the weights to draw, each with the two ends of its ribbon. */
function looks(weights, upper, lower) {
  const columns = upper.map((_, source) => weights.map((row) => row[source]));
  const tops = columns.map((column, at) => spans(column, upper[at], lower));
  const ends = weights.map((row, at) => spans(row, lower[at], upper));
  return weights.flatMap((row, target) =>
    row.map((weight, source) => ({
      source, target, weight,
      top: tops[source][target], end: ends[target][source],
    }))).filter((look) => look.weight >= LEAST);
}

/**
 * Return the left and right edges of the ribbons that end at a word. They are
 * side by side around its middle, in the order of the words of the other line,
 * and narrower if they would be wider than the word.
 */
function spans(shares, box, others) {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const scale = Math.min(WIDTH, box.width / (total || 1));
  const leftward = others[0].x > others.at(-1).x;
  let used = 0;
  return shares.map((share) => {
    const before = leftward ? total - used - share : used;
    used += share;
    const x = box.x + (box.width - total * scale) / 2 + before * scale;
    return [x, x + share * scale];
  });
}

/** Draw a ribbon that meets both lines at right angles. */
function band({ source, target, weight, top, end }, y, bottom) {
  const [x0, x1, u0, u1] = [...top, ...end].map((x) => x.toFixed(1));
  const middle = (y + bottom) / 2;
  const path = `M${x0} ${y}C${x0} ${middle} ${u0} ${middle} ${u0} ${bottom}` +
    `H${u1}C${u1} ${middle} ${x1} ${middle} ${x1} ${y}Z`;
  return mark("path", source, target, 0.12 + 0.6 * weight, { d: path });
}
