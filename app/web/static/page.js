// The form, the address and the results: what the page does, and when.

import { fetchModels, translate } from "./api.js";
import { isolated } from "./direction.js";
import { fromLink, toLink } from "./link.js";
import { panel } from "./panel.js";

const MOST_LINES = 20;
const SAMPLES = { en: "I don't see the red car." };
const byId = (id) => document.getElementById(id);
const form = byId("form");
const [text, model, compare, beam, nbest, copy, results] =
  ["text", "model", "compare", "beam", "nbest", "copy", "results"].map(byId);

let models = new Map();
let working = new AbortController();

/** What the form says, with every field as text. */
function state() {
  return {
    text: text.value, model: model.value, compare: compare.value,
    beam: beam.value, nbest: nbest.value, tokens: form.elements.tokens.value,
  };
}

/**
 * Put into the form what an address says; the rest stays.
 * Whether all of it could be.
 */
function restore(fields) {
  for (const [name, input] of Object.entries({ text, beam, nbest })) {
    if (fields[name] !== undefined) input.value = fields[name];
  }
  const chosen = [
    choose(model, fields.model ?? model.value),
    choose(compare, fields.compare ?? ""),
  ];
  if (["words", "pieces"].includes(fields.tokens)) {
    form.elements.tokens.value = fields.tokens;
  }
  settle();
  return chosen.every(Boolean);
}

/** Choose from a list; what it does not have is said. */
function choose(list, name) {
  const known = [...list.options].some(({ value }) => value === name);
  if (known) list.value = name;
  else say(`There is no model “${isolated(name)}” here.`, true);
  return known;
}

/** What follows from a choice: languages, sample, sizes. */
function settle() {
  const { source } = models.get(model.value);
  text.lang = source;
  text.placeholder = SAMPLES[source] ?? "";
  nbest.max = beam.value;
  if (Number(nbest.value) > Number(beam.value)) nbest.value = beam.value;
  fitText();
}

/** As high as its lines. */
function fitText() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function say(sentence, isError = false) {
  byId("status").textContent = sentence;
  byId("status").classList.toggle("error", isError);
}

/** A request for each line and model, in the order they are shown. */
function requests({ text, model, compare, beam, nbest, tokens }) {
  const lines = text.split("\n").filter((line) => line.trim());
  const names = compare && compare !== model ? [model, compare] : [model];
  return lines.flatMap((line) => names.map((name) => ({
    text: line, model: name, beam: Number(beam), nbest: Number(nbest),
    words: tokens === "words",
  })));
}

/** Ask for all that the form says, and show it. */
async function submit() {
  const asked = state();
  const wanted = requests(asked);
  working.abort();
  working = new AbortController();
  const { signal } = working;
  if (!wanted.length) return fail("Type a sentence first.");
  const lines = new Set(wanted.map((request) => request.text)).size;
  if (lines > MOST_LINES) {
    return fail(`${lines} lines are many to look at; at most ${MOST_LINES} ` +
      "are shown at once: leave some out.");
  }
  say("Translating…");
  results.setAttribute("aria-busy", true);
  try {
    const busy = () => say("The server is busy; waiting for a turn…");
    const answers = await Promise.all(
      wanted.map((request) => translate(request, signal, busy)),
    );
    show(asked, wanted, answers);
  } catch (error) {
    if (!signal.aborted) fail(error.message);
  } finally {
    if (!signal.aborted) results.removeAttribute("aria-busy");
  }
}

function show(asked, wanted, answers) {
  const panels = answers.map(
    (answer, index) => panel(answer, models.get(wanted[index].model)),
  );
  const pairs = new Set(wanted.map((request) => request.model)).size > 1;
  results.classList.toggle("pairs", pairs);
  results.classList.toggle("lines", asked.text.trim().includes("\n"));
  results.replaceChildren(...panels);
  byId("announcement").textContent = answers.map((answer, index) =>
    [wanted[index].model, answer.translation, ...(answer.warnings ?? [])]
      .map(isolated).join(": ")).join(" ");
  say("");
  copy.disabled = false;
  history.replaceState(null, "", toLink(asked));
}

/** What was shown is not what was asked for now. */
function fail(sentence) {
  say(sentence, true);
  results.replaceChildren();
  copy.disabled = true;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The link is in the address bar: copy it from there.");
  }
}

/** Options apply at once where there is something to show them on. */
function optionChanged() {
  settle();
  if (text.value.trim()) form.requestSubmit();
}

function enter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
}

function fillForm({ models: found, limits }) {
  models = new Map(found.map((each) => [each.name, each]));
  const option = ({ name, source, target }) =>
    new Option(`${isolated(name)} (${source} → ${target})`, name);
  model.replaceChildren(...found.map(option));
  compare.replaceChildren(new Option("nothing", ""), ...found.map(option));
  compare.closest("label").hidden = found.length < 2;
  beam.max = limits.beam;
  beam.value = Math.min(found[0].beam, limits.beam);
}

function follow() {
  const fields = fromLink(location.hash);
  const whole = restore(fields);
  if (whole && fields.text?.trim()) form.requestSubmit();
}

function listen() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.querySelector(".options").addEventListener("change", optionChanged);
  text.addEventListener("keydown", enter);
  text.addEventListener("input", fitText);
  copy.addEventListener("click", copyLink);
  window.addEventListener("hashchange", follow);
}

async function start() {
  try {
    fillForm(await fetchModels());
  } catch (error) {
    return say(error.message, true);
  }
  listen();
  byId("translate").disabled = false;
  follow();
}

start();
