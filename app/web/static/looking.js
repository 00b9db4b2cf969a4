// Interaction with the pictures: when a word is pointed at or focused, all
// pictures of a panel show its attention weights.

import { isolated, runsLeftward } from "./direction.js";

// Effect of an arrow key on the focus, by picture and by the sentence of the
// focused word: a step along it (1 or -1), or the sentence to go to.
const MOVES = {
  ribbons: {
    source: { ArrowLeft: -1, ArrowRight: 1, ArrowDown: "target" },
    target: { ArrowLeft: -1, ArrowRight: 1, ArrowUp: "source" },
  },
  "heat-map": {
    source: {
      ArrowLeft: -1, ArrowRight: 1, ArrowDown: "target", ArrowUp: "target",
    },
    target: {
      ArrowUp: -1, ArrowDown: 1, ArrowRight: "source", ArrowLeft: "source",
    },
  },
};
const HINT = "Point at a word, or reach it by Tab and arrow keys, to see where " +
  "it looked. Enter, a click or a tap keeps it.";

/**
 * Make the words and marks of pictures respond to pointer and keys.
 * `reading` is the element for the sentence that describes the chosen weights.
 */
export function look(pictures, view, reading) {
  const scene = { pictures, view, reading, kept: null };
  for (const svg of pictures) {
    nameWords(svg, view);
    svg.querySelector('[data-side="target"]')?.setAttribute("tabindex", 0);
    listen(svg, scene);
  }
  show(scene, null);
}

function listen(svg, scene) {
  const restore = () => show(scene, scene.kept);
  svg.addEventListener("pointerover", ({ target }) => {
    show(scene, chosen(target) ?? scene.kept);
  });
  svg.addEventListener("pointerleave", restore);
  svg.addEventListener("focusin", ({ target }) => show(scene, chosen(target)));
  svg.addEventListener("focusout", restore);
  svg.addEventListener("click", ({ target }) => keep(scene, chosen(target)));
  svg.addEventListener("keydown", (event) => press(event, svg, scene));
}

/** Return the choice at an element: a word, a pair of words, or null. */
function chosen(element) {
  const { dataset } = element.closest(".word, .mark") ?? {};
  if (!dataset) return null;
  if (dataset.side) return { [dataset.side]: Number(dataset.index) };
  return { source: Number(dataset.source), target: Number(dataset.target) };
}

function same(one, other) {
  return one?.source === other?.source && one?.target === other?.target;
}

/** Keep a choice shown; if it is kept already, stop keeping it. */
function keep(scene, choice) {
  scene.kept = same(scene.kept, choice) ? null : choice;
  for (const word of allWords(scene)) {
    word.setAttribute("aria-pressed", same(chosen(word), scene.kept));
  }
  show(scene, choice);
}

function press(event, svg, scene) {
  const word = event.target.closest(".word");
  if (!word) return;
  if (event.key === "Enter" || event.key === " ") {
    keep(scene, chosen(word));
  } else if (event.key === "Escape") {
    keep(scene, null);
  } else {
    const next = neighbour(event.key, svg, word, scene.view);
    if (!next) return;
    move(svg, next);
  }
  event.preventDefault();
}

/** Find the word that a key moves the focus to, by the drawn positions. */
function neighbour(key, svg, word, view) {
  const { side, index } = word.dataset;
  const line = [...svg.querySelectorAll(`[data-side="${side}"]`)];
  if (key === "Home") return line[0];
  if (key === "End") return line.at(-1);
  const step = MOVES[svg.dataset.picture][side][key];
  if (step === undefined) return undefined;
  if (typeof step === "number") {
    const back = /Left|Right/.test(key) && runsLeftward(view[side]);
    return line[Number(index) + (back ? -step : step)];
  }
  const other = [...svg.querySelectorAll(`[data-side="${step}"]`)];
  if (svg.dataset.picture === "ribbons") return nearest(word, other);
  return other[Math.min(Number(index), other.length - 1)];
}

/** Find the word of the other sentence that is nearest horizontally. */
function nearest(word, others) {
  const away = (other) => Math.abs(middle(other) - middle(word));
  return others.reduce((best, other) =>
    away(other) < away(best) ? other : best);
}

function middle(word) {
  const { left, right } = word.getBoundingClientRect();
  return (left + right) / 2;
}

/** Focus a word, and make it the only word of its picture that Tab reaches. */
function move(svg, word) {
  for (const each of svg.querySelectorAll(".word[tabindex='0']")) {
    each.setAttribute("tabindex", -1);
  }
  word.setAttribute("tabindex", 0);
  word.focus();
}

function allWords({ pictures }) {
  return pictures.flatMap((svg) => [...svg.querySelectorAll(".word")]);
}

function show({ pictures, view, reading }, choice) {
  for (const svg of pictures) {
    svg.classList.toggle("chosen", choice !== null);
    for (const mark of svg.querySelectorAll(".mark")) {
      mark.classList.toggle("lit", choice !== null && touches(mark, choice));
    }
    for (const word of svg.querySelectorAll(".word")) {
      tint(word, view.weights, choice);
    }
  }
  reading.textContent = choice ? sentence(view, choice) : HINT;
  reading.classList.toggle("hint", choice === null);
}

function touches({ dataset }, { source, target }) {
  return (source === undefined || Number(dataset.source) === source) &&
    (target === undefined || Number(dataset.target) === target);
}

/** Tint a word by its share of attention; mark it if it is the chosen word. */
function tint(word, weights, choice) {
  const { side } = word.dataset;
  const index = Number(word.dataset.index);
  const own = choice?.[side] === index;
  word.classList.toggle("own", own);
  const share = own || !choice ? 0 : shareOf(side, index, weights, choice);
  word.querySelector(".tint").setAttribute("fill-opacity", share * 0.55);
}

function shareOf(side, index, weights, choice) {
  const [row, column] = side === "source"
    ? [choice.target, index] : [index, choice.source];
  return weights[row]?.[column] ?? 0;
}

function nameWords(svg, view) {
  for (const word of svg.querySelectorAll(".word")) {
    word.setAttribute("aria-label", sentence(view, chosen(word)));
  }
}

/** Describe a choice, such as "“rouge” looked at “red” 83 %, “car” 9 %". */
export function sentence({ source, target, weights }, choice) {
  if (choice.source === undefined) {
    const seen = most(weights[choice.target], source);
    return `${quoted(target[choice.target])} looked at ${seen || "nothing"}`;
  }
  if (choice.target === undefined) {
    const seen = most(weights.map((row) => row[choice.source]), target);
    const own = quoted(source[choice.source]);
    return `${own} was looked at by ${seen || "nothing"}`;
  }
  const weight = weights[choice.target][choice.source];
  return `${quoted(target[choice.target])} looked at ` +
    `${quoted(source[choice.source])} ${percent(weight)}`;
}

function most(shares, labels) {
  return shares
    .map((share, index) => [share, labels[index]])
    .filter(([share]) => share >= 0.01)
    .sort(([one], [other]) => other - one)
    .slice(0, 4)
    .map(([share, label]) => `${quoted(label)} ${percent(share)}`)
    .join(", ");
}

function quoted(label) {
  return `“${isolated(label)}”`;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}
