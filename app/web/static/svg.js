// SVG elements that both pictures use, and the measuring of text.

const SVG = "http://www.w3.org/2000/svg";
const pen = document.createElement("canvas").getContext("2d");

export const END = "</s>";
export const FONT_SIZE = 18;

/** Make an SVG element with attributes and children. */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, round(value));
  }
  element.append(...children);
  return element;
}

/** Round a number to a tenth of a pixel; return other values unchanged. */
function round(value) {
  return typeof value === "number" ? Math.round(10 * value) / 10 : value;
}

/** Make the <svg> element of a picture. */
export function canvas(wide, high, label, ...children) {
  const [width, height] = [Math.ceil(wide), Math.ceil(high)];
  return draw("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
    "aria-label": label, class: "picture",
  }, ...children);
}

/** Measure the width of a word in pixels, in the font of the pictures. */
export function widthOf(text, size = FONT_SIZE) {
  const family = getComputedStyle(document.documentElement)
    .getPropertyValue("--serif");
  pen.font = `${size}px ${family}`;
  return pen.measureText(text).width;
}

/** Cut a label to `longest` letters; combining marks are not counted. */
export function short(text, longest = 24) {
  const letters = text.match(/^\p{M}+|\P{M}\p{M}*/gu) ?? [];
  if (letters.length <= longest) return text;
  return letters.slice(0, longest - 1).join("") + "…";
}

/**
 * Draw a word of the sentence `side`, which can be focused and pressed.
 * Behind it is a rectangle, whose tint can show its attention weight.
 * `box` is { x, y, width, size, direction, toLeft }: x is its right edge if
 * toLeft is set, else its left one.
 */
export function word(side, index, text, box, transform = "") {
  const leftward = box.direction === "rtl";
  const label = draw("text", {
    x: box.x, y: box.y, direction: box.direction,
    // A leftward text starts at its right edge.
    "text-anchor": Boolean(box.toLeft) === leftward ? "start" : "end",
    "font-size": box.size ?? FONT_SIZE,
  }, short(text));
  const left = box.toLeft ? box.x - box.width : box.x;
  const height = 1.5 * (box.size ?? FONT_SIZE);
  const frame = {
    x: left - 4, y: box.y - 0.72 * height, width: box.width + 8, height, rx: 3,
  };
  return draw("g", {
    class: text === END ? "word end" : "word",
    "data-side": side, "data-index": index,
    role: "button", tabindex: -1, "aria-pressed": false,
    ...(transform && { transform }),
  }, draw("rect", { ...frame, class: "tint", "fill-opacity": 0 }), label);
}

/** Draw the mark of a source and a target word: a ribbon or a cell. */
export function mark(name, source, target, weight, attributes) {
  return draw(name, {
    ...attributes, class: "mark", "data-source": source,
    "data-target": target, "fill-opacity": weight.toFixed(4),
  });
}
