// Panel for one answer: translation, alternatives, pictures, table and files.

import { isolated, withWordsIsolated, write } from "./direction.js";
import { jsonFile, pngFile, save, svgFile } from "./download.js";
import { heatMap } from "./heat_map.js";
import { look } from "./looking.js";
import { ribbons } from "./ribbons.js";
import { fillTable } from "./table.js";

const PICTURES = { ribbons, "heat-map": heatMap };
const UNSURE = 0.5; // confidence below which a word is named
const MOST_UNSURE = 3; // words that are named
let panels = 0;

/**
 * Make the panel for an answer of the server.
 * `heading` is { model, source, target }, as GET /models describes it.
 */
export function panel(answer, heading) {
  const template = document.getElementById("panel");
  const article = template.content.cloneNode(true).firstElementChild;
  const find = (selector) => article.querySelector(selector);
  panels += 1;
  find("h2").textContent = isolated(heading.name);
  write(find(".source"), answer.source);
  find(".source").lang = heading.source;
  find(".translation").lang = heading.target;
  find(".warnings").append(...(answer.warnings ?? []).map(item));
  find(".json").addEventListener("click", () => {
    save(jsonFile(answer), `glimpse-${heading.name}.json`);
  });
  addFileButtons(article, heading.name);
  addAlternatives(article, answer, `rank-${panels}`);
  showHypothesis(article, answer, 0);
  return article;
}

function item(text) {
  const element = document.createElement("li");
  element.textContent = withWordsIsolated(text);
  return element;
}

/** List the n best translations to choose from, if there are several. */
function addAlternatives(article, answer, name) {
  const fieldset = article.querySelector(".alternatives");
  fieldset.hidden = answer.nbest.length < 2;
  answer.nbest.forEach((hypothesis, rank) => {
    fieldset.append(alternative(hypothesis, rank, name));
  });
  fieldset.addEventListener("change", ({ target }) => {
    showHypothesis(article, answer, Number(target.value));
  });
}

function alternative({ translation, score }, rank, name) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name, value: rank });
  input.checked = rank === 0;
  const text = document.createElement("span");
  write(text, translation || "(nothing)");
  const number = document.createElement("span");
  number.className = "score";
  number.textContent = score.toFixed(2).replace("-", "\u2212");
  number.title = "Log-probability under the length penalty";
  label.append(input, text, number);
  return label;
}

function showHypothesis(article, answer, rank) {
  const hypothesis = answer.nbest[rank];
  const find = (selector) => article.querySelector(selector);
  write(find(".translation"), hypothesis.translation || "(nothing)");
  find(".confidence").textContent = doubts(hypothesis);
  const attends = hypothesis.attention !== null;
  find(".without").hidden = attends;
  find(".pictures").hidden = !attends;
  if (attends) {
    showPictures(article, {
      source: answer.source_tokens,
      target: hypothesis.target_tokens,
      weights: hypothesis.attention,
    });
  }
}

/** Say how sure the model is, and of which words it is least sure. */
function doubts({ confidence, target_tokens, token_confidences }) {
  const percent = (share) => `${Math.round(100 * share)} %`;
  const least = target_tokens
    .map((token, place) => [token_confidences[place], token])
    .filter(([share]) => share < UNSURE)
    .sort(([one], [other]) => one - other)
    .slice(0, MOST_UNSURE)
    .map(([share, token]) => `${isolated(token)} ${percent(share)}`);
  const rest = least.length ? `; least sure of ${least.join(", ")}` : "";
  return `Confidence ${percent(confidence)}${rest}`;
}

function showPictures(article, view) {
  const drawn = Object.entries(PICTURES).map(([name, picture]) => {
    const svg = picture(view);
    svg.dataset.picture = name;
    article.querySelector(`figure[data-picture="${name}"] .scroll`)
      .replaceChildren(svg);
    return svg;
  });
  look(drawn, view, article.querySelector(".reading"));
  fillTable(article.querySelector("table"), view);
}

function addFileButtons(article, model) {
  for (const figure of article.querySelectorAll("figure")) {
    const name = figure.dataset.picture;
    const file = `glimpse-${model}-${name}`;
    const drawn = () => figure.querySelector("svg");
    figure.querySelector("figcaption").append(
      button("SVG", name, () => save(svgFile(drawn()), `${file}.svg`)),
      button("PNG", name, async () => {
        save(await pngFile(drawn()), `${file}.png`);
      }),
    );
  }
}

function button(format, picture, action) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = format;
  const what = picture.replace("-", " ");
  element.setAttribute("aria-label", `Download the ${what} as ${format}`);
  element.addEventListener("click", action);
  return element;
}
