// Two sentences, one above the other, and a ribbon for every look: as wide as
// its share of the attention. Each sentence runs its own way.

import { runsLeftward, wordDirection } from "./direction.js";
import { canvas, mark, short, widthOf, word } from "./svg.js";

const GAP = 16; // between words, at least
const WIDEST_GAP = 64; // where the other sentence is longer
const WIDTH = 18; // of a ribbon that is all of a word's attention
const LEAST = 0.01; // what gets less than this is not drawn
const MARGIN = 14;
const TOP = 32; // base line of the source
const DESCENT = 16; // below the base line of the translation

/** The picture of a view: { source, target, weights }. */
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
 * Where the words of a line are, which is spread over the picture. The first
 * stands where reading starts.
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

/** Every weight worth a ribbon, with its span at both ends. */
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
 * Shares of a word laid side by side in its middle, squeezed if need be; in
 * the order in which the words of the other line stand.
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

/** A ribbon that leaves one line and meets the other at right angles. */
function band({ source, target, weight, top, end }, y, bottom) {
  const [x0, x1, u0, u1] = [...top, ...end].map((x) => x.toFixed(1));
  const middle = (y + bottom) / 2;
  const path = `M${x0} ${y}C${x0} ${middle} ${u0} ${middle} ${u0} ${bottom}` +
    `H${u1}C${u1} ${middle} ${x1} ${middle} ${x1} ${y}Z`;
  return mark("path", source, target, 0.12 + 0.6 * weight, { d: path });
}
