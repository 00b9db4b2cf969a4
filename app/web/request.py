"""Requests to POST /translate, and the error messages for invalid ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from app.inference import Translator
from app.inference.wishes import Wishes
from data import GlimpseError, normalise

MAX_TEXT = 5000  # characters
MAX_BEAM = 20
MAX_PREFIX = 500  # characters
MAX_TERMS = 200  # of a glossary
ACCEPTED = {
    "text": "a string",
    "beam": f"a whole number from 1 to {MAX_BEAM}",
    "nbest": f"a whole number from 1 to {MAX_BEAM}",
    "words": "true or false",
    "model": "a string",
    "ensemble": "a list of names of models",
    "prefix": f"a string of at most {MAX_PREFIX} characters",
    "glossary": f"an object of at most {MAX_TERMS} strings",
}
EXAMPLE = '{"text": "I see the red car.", "beam": 5}'


class TranslateRequest(BaseModel):
    """Sentence to translate, and options for it."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"example": {"text": "I see the red car."}},
    )

    text: str = Field(description=f"One line of at most {MAX_TEXT} characters.")
    beam: int | None = Field(
        None,
        ge=1,
        le=MAX_BEAM,
        description="Size of the beam; 1 is greedy search, null the run's own.",
    )
    nbest: int = Field(
        1, ge=1, le=MAX_BEAM, description="Translations, at most the beam."
    )
    words: bool = Field(False, description="Merge tokens into words.")
    model: str | None = Field(
        None, description="A name from GET /models; null for the first."
    )
    ensemble: list[str] = Field(
        default_factory=list,
        description="Names of further models that translate together with it.",
    )
    prefix: str = Field(
        "",
        max_length=MAX_PREFIX,
        description="Text that each translation begins with.",
    )
    glossary: dict[str, str] = Field(
        default_factory=dict,
        max_length=MAX_TERMS,
        description="Translations of terms.",
    )


class Options(NamedTuple):
    """Options of a request; a batch has only requests with equal options.

    Attributes:
        models: names of the models that translate together.
        beam: size of the beam.
        nbest: number of translations to return.
        words: whether to merge subword tokens into words.
        wishes: wishes for each translation.
    """

    models: tuple[str, ...]
    beam: int
    nbest: int
    words: bool
    wishes: Wishes


class UnknownModelError(GlimpseError):
    """Error raised if a request names a model that the server lacks."""


def options(
    request: TranslateRequest, translators: Mapping[str, Translator]
) -> Options:
    """Return the options of a request; omitted options get their defaults.

    Raises:
        UnknownModelError: the request names a model that is not served.
        GlimpseError: the text is empty, too long or has several lines; or
            `nbest` is greater than the size of the beam.
    """
    _check_text(request.text)
    model = request.model
    if model is None:
        model = next(iter(translators))
    models = tuple(dict.fromkeys((model, *request.ensemble)))
    for name in models:
        if name not in translators:
            raise UnknownModelError(
                f"There is no model '{_short(name)}' here; "
                f"{_list(translators)} can be asked for: name one, or leave "
                "'model' out for the first"
            )
    beam = request.beam or translators[model].config.search.beam_size
    if request.nbest > beam:
        raise GlimpseError(
            f"'nbest' got {request.nbest} with a beam of {beam}; at most the "
            f"beam is accepted: send a 'beam' of {request.nbest} or more"
        )
    for term, translation in request.glossary.items():
        if not (normalise(term) and normalise(translation)):
            raise GlimpseError(
                f"'glossary' got '{_short(term)}': '{_short(translation)}'; a "
                "term and its translation are accepted: write both"
            )
    wishes = Wishes(request.prefix, glossary=tuple(request.glossary.items()))
    return Options(models, beam, request.nbest, request.words, wishes)


def refusal(error: Mapping[str, Any]) -> str:
    """Return the error message for an invalid request.

    Args:
        error: error that pydantic found in the request.
    """
    kind, where = error["type"], [str(part) for part in error["loc"]][1:]
    if kind == "json_invalid":
        reason = error["ctx"]["error"]
        return (
            f"The body is not JSON ({reason}, character {where[0]}); an object "
            f"such as {EXAMPLE} is accepted: mend it there"
        )
    if not where:
        return (
            "The body is not an object sent as application/json; an object "
            f"such as {EXAMPLE} is accepted: send one, with that Content-Type"
        )
    (name, *_) = where
    if kind == "missing":
        return (
            f"The body lacks '{name}'; an object such as {EXAMPLE} is "
            "accepted: add the sentence"
        )
    if kind == "extra_forbidden":
        return (
            f"The body has a key '{_short(name)}'; {_list(ACCEPTED)} are "
            "accepted: remove or rename it"
        )
    return (
        f"'{name}' got {_short(repr(error['input']))}; {ACCEPTED[name]} is "
        "accepted: send that"
    )


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise GlimpseError(
            f"'text' got {len(text)} characters; at most {MAX_TEXT} are "
            "accepted: send one sentence in each request"
        )
    if "\n" in text.strip():
        raise GlimpseError(
            "'text' got several lines; one line is accepted: send a request "
            "for each line"
        )
    if not normalise(text):
        raise GlimpseError(
            "'text' got no characters to translate; a sentence is accepted: "
            "send some words"
        )


def _list(names: Mapping[str, Any]) -> str:
    return ", ".join(names)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
