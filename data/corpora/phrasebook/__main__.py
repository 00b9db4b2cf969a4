"""Program that prints sentence pairs of the phrasebook, the built-in corpus."""

import argparse
from itertools import islice

from data.corpora.phrasebook.corpus import SEED, distinct_sentences


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m data.corpora.phrasebook",
        description="Print sentences of the phrasebook, one a line: English, "
        "French and the gold word alignment, separated by tabs.",
    )
    parser.add_argument(
        "--sample",
        type=int,
        default=20,
        metavar="N",
        help="how many sentences (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="which sentences (default: %(default)s, as in the corpus)",
    )
    options = parser.parse_args()
    for pair, _ in islice(distinct_sentences(options.seed), options.sample):
        print(pair.english, pair.french, pair.alignment, sep="\t")


if __name__ == "__main__":
    main()
