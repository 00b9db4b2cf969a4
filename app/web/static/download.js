// Files to download: the pictures and results that the page shows.

// Properties that the style sheet may set, with the values that SVG assumes
// where an attribute is missing.
const PAINT = {
  fill: "rgb(0, 0, 0)", "fill-opacity": "1", stroke: "none",
  "stroke-width": "1px", opacity: "1",
};
const FONT = { "font-family": "", "font-size": "", "font-weight": "400" };
const INTERACTIVE = [
  "class", "tabindex", "role", "aria-label", "aria-pressed", "data-side",
  "data-index", "data-source", "data-target", "data-picture",
];
const SCALE = 2; // pixels of the PNG for each pixel of the page

/** Make an SVG file that looks as on the page without its style sheet. */
export function svgFile(svg) {
  const copy = svg.cloneNode(true);
  const drawn = [svg, ...svg.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, index) => {
    settle(element, getComputedStyle(drawn[index]));
  });
  copy.prepend(background(svg, copy));
  const text = new XMLSerializer().serializeToString(copy);
  return new Blob([text], { type: "image/svg+xml" });
}

/** Write the styles of an element into its attributes. */
function settle(element, style) {
  for (const name of INTERACTIVE) element.removeAttribute(name);
  const names = element.tagName === "text" ? { ...PAINT, ...FONT } : PAINT;
  for (const [name, usual] of Object.entries(names)) {
    const value = style.getPropertyValue(name);
    if (value !== usual) element.setAttribute(name, value);
  }
}

function background(svg, copy) {
  const paper = document.createElementNS(copy.namespaceURI, "rect");
  paper.setAttribute("width", "100%");
  paper.setAttribute("height", "100%");
  const colour = getComputedStyle(document.body).backgroundColor;
  paper.setAttribute("fill", colour);
  return paper;
}

/** Make a PNG file of an SVG picture. */
export async function pngFile(svg) {
  const image = new Image();
  const address = URL.createObjectURL(svgFile(svg));
  try {
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = SCALE * svg.width.baseVal.value;
    canvas.height = SCALE * svg.height.baseVal.value;
    canvas.getContext("2d")
      .drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}

export function jsonFile(object) {
  const text = JSON.stringify(object, null, 2) + "\n";
  return new Blob([text], { type: "application/json" });
}

/** Make the browser download a file under a name. */
export function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
