// Direction of texts: right to left or left to right. The rules are those of
// the pictures that Python draws.

import { END } from "./svg.js";

const LETTERS = /\p{L}/gu;
const SCRIPTS = [
  "Adlam", "Arabic", "Hanifi_Rohingya", "Hebrew", "Mandaic", "Mende_Kikakui",
  "Nko", "Samaritan", "Syriac", "Thaana",
].map((script) => `\\p{Script=${script}}`).join("");
const LEFTWARD = new RegExp(`[${SCRIPTS}]`, "u");
const CHANGES_ORDER = new RegExp(`[${SCRIPTS}\u0660-\u0669]`, "u"); // digits
const isLeftward = (letter) => LEFTWARD.test(letter);

/** Tell whether most letters of words are written from right to left. */
export function runsLeftward(labels) {
  const letters = lettersOf(labels.filter((label) => label !== END).join(""));
  return 2 * letters.filter(isLeftward).length > letters.length;
}

/** Return the direction of a sentence, as a value of the attribute `dir`. */
export function directionOf(text) {
  return runsLeftward([text]) ? "rtl" : "ltr";
}

/**
 * Return the direction of a word that is shown by itself, for `dir`. It is the
 * direction of its letters; if they differ or there are none, it is that of its
 * sentence, which `leftward` gives.
 */
export function wordDirection(word, leftward) {
  const kinds = new Set(lettersOf(word).map(isLeftward));
  const own = kinds.size === 1 ? kinds.has(true) : leftward;
  return own ? "rtl" : "ltr";
}

/** Isolate a text, so that it does not reorder the text it is put into. */
export function isolated(text) {
  return CHANGES_ORDER.test(text) ? `\u2068${text}\u2069` : text;
}

/** Isolate each right-to-left word of a message, so that it stays in place. */
export function withWordsIsolated(text) {
  const words = /[^\s,]*[\p{L}\p{N}]\p{M}*/gu; // no full stop after it
  return text.replace(words, (word) => isolated(word));
}

/** Write a sentence into an element, and set the direction of the element. */
export function write(element, text) {
  element.textContent = text;
  element.dir = directionOf(text);
}

function lettersOf(text) {
  return text.match(LETTERS) ?? [];
}
