"""Options that several commands share, and how commands end on errors."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import shipped

if TYPE_CHECKING:
    from app.measuring.sets import Files

PRESETS = ", ".join(shipped.names("presets"))
SPACES = ", ".join(shipped.names("spaces"))

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder made by 'train'.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="GLIMPSE_DATA_DIR",
        help="Folder that contains the raw corpora, each in a subfolder such "
        "as multi30k/; nothing is written there.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        help="Folder for prepared corpora.",
        show_default="TFDS's own place",
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(
        "--beam",
        min=1,
        help="Number of hypotheses that search keeps at each step; 1 is "
        "greedy.",
        show_default="the run's own",
    ),
]
Split = Annotated[
    str, typer.Option("--split", help="Split of the run's corpus.")
]
Source = Annotated[
    Path | None,
    typer.Option(
        "--source", help="A file of your own, with one sentence on each line."
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference", help="The translations of --source, line by line."
    ),
]
Alignments = Annotated[
    Path | None,
    typer.Option(
        "--alignments",
        help="Gold alignments of --source and --reference, in one of three "
        "formats: a line of links for each pair, such as '0-0 2p1', where the "
        "hyphen marks a sure link and the letter p a possible one; lines of "
        "the form PAIR<TAB>links, where PAIR is the number of the pair, "
        "counted from 0; or the format of NAACL 2003. In links, words are "
        "numbered from 0.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Change a field of the preset, such as training.epochs=3; "
        "can be repeated. A run's config.yaml lists all fields.",
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show a traceback on failure.")
]
Cut = Annotated[
    bool,
    typer.Option(
        "--cut",
        help="Cut lines that are too long, as 'translate' does, instead of "
        "refusing the file. The run's search.max_source_length says how long a "
        "line may be.",
    ),
]
KeepUnknown = Annotated[
    bool,
    typer.Option(
        "--keep-unknown",
        help="Leave <unk>, an unknown word, in the output of a word-level "
        "model. Otherwise, each <unk> is replaced by the source word that the "
        "model looked at most when it wrote that <unk>.",
    ),
]
Ensemble = Annotated[
    list[Path] | None,
    typer.Option(
        "--ensemble",
        metavar="RUN",
        help="A further run that translates together with RUN: the "
        "probabilities of a word are averaged. Can be repeated. The runs must "
        "have the same tokenizer.",
    ),
]
SearchSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="search.KEY=VALUE",
        help="Change an option of search, such as search.length_penalty=0.6; "
        "can be repeated. The section search of the run's config.yaml lists "
        "all of them.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print machine-readable results on stdout."),
]


def files_of(
    source: Path | None, reference: Path | None, alignments: Path | None
) -> "Files | None":
    """Return the files that a user has given as options; None if none is given.

    Raises:
        BadParameter: only some of the files that belong together are given.
    """
    if (source is None) != (reference is None):
        raise typer.BadParameter("--source and --reference go together")
    if alignments is not None and source is None:
        raise typer.BadParameter(
            "--alignments goes with --source and --reference; those of a "
            "split come with its corpus"
        )
    if source is None or reference is None:
        return None
    from app.measuring.sets import Files

    return Files(source, reference, alignments)


def pick_device_for(run: Path) -> None:
    """Choose the device, and share its cores among the parts of a batch.

    On the CPU, the parts of a batch are computed at the same time; the run's
    option `training.parts` is the number of parts. On a GPU, batches are not
    split, and no cores are shared.
    """
    from app.machine.device import pick_device
    from app.runs import Run

    config = Run.open(run).config
    pick_device().share_cores(config.training.parts)


@contextmanager
def one_sentence(debug: bool) -> Iterator[None]:
    """Show an error of the `with` block as one sentence; exit with code 1.

    Args:
        debug: whether to let the error pass instead, so that Python prints a
            traceback.
    """
    from data import GlimpseError

    try:
        yield
    except (GlimpseError, OSError) as error:
        if debug:
            raise
        if isinstance(error, BrokenPipeError):
            _leave_quietly()
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        raise typer.Exit(1) from None


def _leave_quietly() -> Any:
    """Exit with code 0 and without a message after a broken pipe."""
    # Otherwise the interpreter's own last flush would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)
