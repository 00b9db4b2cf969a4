"""Preparation of a corpus: statistics, and input files for word aligners."""

from pathlib import Path

from tqdm import tqdm

from app.config import Config
from data import Corpus, Language
from data.sides import Sides, fit_sides, sample_pairs
from data.survey import Survey, survey
from data.writing import replacing


def count(config: Config, corpus: Corpus) -> tuple[Survey, Sides]:
    """Count the pairs of a corpus, and the words and tokens in them.

    Args:
        config: configuration, with options that decide which pairs are left
            out, and how texts are divided into tokens.
        corpus: the corpus.

    Returns:
        The counts, and the sides of source and target. A side is a tokenizer
        with its language. To count tokens, the tokenizers were trained in the
        same way as for a run.

    Raises:
        GlimpseError: cleaning leaves out all pairs.
    """
    sample = sample_pairs(corpus, config.cleaning)
    sides = fit_sides(sample, config.corpus, config.tokenizer)
    total = sum(corpus.size(split) for split in corpus.splits)
    with tqdm(desc="Counting", total=total, unit=" pairs", leave=False) as bar:
        found = survey(
            corpus, sides, config.pipeline, config.cleaning, bar.update
        )
    return found, sides


def write_words(
    corpus: Corpus, languages: tuple[Language, Language], folder: Path
) -> None:
    """Write the words of every split, as input for a word aligner.

    For each split and language there is a file `FOLDER/SPLIT.LANGUAGE`, such as
    `words/train.de`. Each line has the words of one sentence, separated by
    spaces; the lines are in the order of the corpus. In a word alignment such
    as `0-0 1-2`, each number is the index of a word in its line. Pairs with an
    empty source or target are left out, since aligners fail on them. The file
    of alignments that `training.alignments` names may leave them out too.

    Args:
        corpus: the corpus.
        languages: languages of source and target, which define how a text is
            divided into words.
        folder: the folder of the files; it is made if needed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split in corpus.splits:
        for side, language in enumerate(languages):
            with (
                replacing(folder / f"{split}.{language.code}") as beside,
                beside.open("w", encoding="utf-8", newline="\n") as file,
            ):
                file.writelines(
                    _words_line(pair[side], language)
                    for pair in corpus.pairs(split)
                    if all(pair)
                )


def _words_line(text: str, language: Language) -> str:
    spans = language.words(text)
    return " ".join(text[start:end] for start, end in spans) + "\n"
