// Which way texts run, by the rules of the pictures that Python draws.

import { END } from "./svg.js";

const LETTERS = /\p{L}/gu;
const SCRIPTS = [
  "Adlam", "Arabic", "Hanifi_Rohingya", "Hebrew", "Mandaic", "Mende_Kikakui",
  "Nko", "Samaritan", "Syriac", "Thaana",
].map((script) => `\\p{Script=${script}}`).join("");
const LEFTWARD = new RegExp(`[${SCRIPTS}]`, "u");
const CHANGES_ORDER = new RegExp(`[${SCRIPTS}\u0660-\u0669]`, "u"); // digits
const isLeftward = (letter) => LEFTWARD.test(letter);

/** Whether most letters are of a script such as Arabic or Hebrew. */
export function runsLeftward(labels) {
  const letters = lettersOf(labels.filter((label) => label !== END).join(""));
  return 2 * letters.filter(isLeftward).length > letters.length;
}

/** For the attribute `dir` of an element with this sentence. */
export function directionOf(text) {
  return runsLeftward([text]) ? "rtl" : "ltr";
}

/**
 * For a word that stands alone: its own, or that of its sentence where its
 * letters do not say.
 */
export function wordDirection(word, leftward) {
  const kinds = new Set(lettersOf(word).map(isLeftward));
  const own = kinds.size === 1 ? kinds.has(true) : leftward;
  return own ? "rtl" : "ltr";
}

/** A text as a part of another that is not to change its order. */
export function isolated(text) {
  return CHANGES_ORDER.test(text) ? `\u2068${text}\u2069` : text;
}

/** A sentence of ours with each foreign word in it kept where it stands. */
export function withWordsIsolated(text) {
  const words = /[^\s,]*[\p{L}\p{N}]\p{M}*/gu; // not a full stop after one
  return text.replace(words, (word) => isolated(word));
}

/** Write a sentence into an element, in its own direction. */
export function write(element, text) {
  element.textContent = text;
  element.dir = directionOf(text);
}

function lettersOf(text) {
  return text.match(LETTERS) ?? [];
}
