// Main script of the page: its form, its address and its results.

import { fetchModels, translate } from "./api.js";
import { isolated } from "./direction.js";
import { fromLink, toLink } from "./link.js";
import { panel } from "./panel.js";

const MOST_LINES = 20;
const SAMPLES = { en: "I don't see the red car." };
const byId = (id) => document.getElementById(id);
const form = byId("form");
const [text, model, compare, ensemble, beam, nbest, prefix, glossary] =
  ["text", "model", "compare", "ensemble", "beam", "nbest", "prefix",
    "glossary"].map(byId);
const [copy, results] = ["copy", "results"].map(byId);

let models = new Map();
let working = new AbortController();

/** Return the contents of the form, with every field as text. */
function state() {
  return {
    text: text.value, model: model.value, compare: compare.value,
    ensemble: ensemble.value, prefix: prefix.value, glossary: glossary.value,
    beam: beam.value, nbest: nbest.value, tokens: form.elements.tokens.value,
  };
}

/**
 * Fill the form with the fields of an address; keep the form's other contents.
 * Return whether the page has the models that the address names.
 */
function restore(fields) {
  const inputs = { text, beam, nbest, prefix, glossary };
  for (const [name, input] of Object.entries(inputs)) {
    if (fields[name] !== undefined) input.value = fields[name];
  }
  const wishes = prefix.closest("details");
  wishes.open ||= Boolean(prefix.value || glossary.value);
  const chosen = [
    choose(model, fields.model ?? model.value),
    choose(compare, fields.compare ?? ""),
    choose(ensemble, fields.ensemble ?? ""),
  ];
  if (["words", "pieces"].includes(fields.tokens)) {
    form.elements.tokens.value = fields.tokens;
  }
  settle();
  return chosen.every(Boolean);
}

/** Choose a model in a list; show an error if the list does not have it. */
function choose(list, name) {
  const known = [...list.options].some(({ value }) => value === name);
  if (known) list.value = name;
  else say(`There is no model “${isolated(name)}” here.`, true);
  return known;
}

/** Adapt language, sample sentence, and limits to the chosen options. */
function settle() {
  const { source } = models.get(model.value);
  text.lang = source;
  text.placeholder = SAMPLES[source] ?? "";
  nbest.max = beam.value;
  if (Number(nbest.value) > Number(beam.value)) nbest.value = beam.value;
  fitText();
}

/** Make the text field as high as its lines. */
function fitText() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function say(sentence, isError = false) {
  byId("status").textContent = sentence;
  byId("status").classList.toggle("error", isError);
}

/** Make a request for each line and model, in the order of the results. */
function requests(asked) {
  const { text, model, compare, ensemble, beam, nbest, tokens } = asked;
  const lines = text.split("\n").filter((line) => line.trim());
  const names = compare && compare !== model ? [model, compare] : [model];
  const terms = termsOf(asked.glossary);
  return lines.flatMap((line) => names.map((name) => ({
    text: line, model: name, beam: Number(beam), nbest: Number(nbest),
    words: tokens === "words", prefix: asked.prefix, glossary: terms,
    ensemble: name === model && ensemble ? [ensemble] : [],
  })));
}

/** Read "term = translation" from each line; throw an error for others. */
function termsOf(glossary) {
  const lines = glossary.split("\n").filter((line) => line.trim());
  return Object.fromEntries(lines.map((line) => {
    const [term, ...rest] = line.split("=").map((part) => part.trim());
    if (!term || rest.length !== 1 || !rest[0]) {
      throw new Error(`The glossary has the line “${isolated(line)}”; ` +
        "“term = translation” is accepted: write it so.");
    }
    return [term, rest[0]];
  }));
}

/** Send the requests of the form, and show the answers. */
async function submit() {
  const asked = state();
  working.abort();
  working = new AbortController();
  const { signal } = working;
  let wanted;
  try {
    wanted = requests(asked);
  } catch (error) {
    return fail(error.message);
  }
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

/** Show an error, and remove results of earlier requests. */
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

/** Apply changed options at once if there is a text to translate. */
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
  for (const list of [compare, ensemble]) {
    list.replaceChildren(new Option("nothing", ""), ...found.map(option));
    list.closest("label").hidden = found.length < 2;
  }
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
  for (const options of form.querySelectorAll(".options")) {
    options.addEventListener("change", optionChanged);
  }
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
