"""python -m app COMMAND: parse, call one function, present."""

import atexit
import io
import json
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app import chatter

# Before TensorFlow is first imported, inside the commands: its start-up
# messages are not for people.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Products of oneDNN, which TensorFlow takes by itself with AVX-512 alone.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# By their files, since app.config would import TensorFlow.
PRESETS = ", ".join(
    sorted(path.stem for path in Path(__file__).parent.glob("presets/*.yaml"))
)

SPACES = ", ".join(
    sorted(path.stem for path in Path(__file__).parent.glob("spaces/*.yaml"))
)

app = typer.Typer(
    help="Train sequence-to-sequence models with attention, measure them, "
    "translate with them. Start with: python -m app train",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder made by train.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="GLIMPSE_DATA_DIR",
        help="Where raw corpora such as multi30k/ lie; only read.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        help="Where prepared corpora go.", show_default="TFDS's own place"
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Hypotheses kept; 1 is greedy.",
        show_default="the run's own",
    ),
]
Source = Annotated[
    Path | None,
    typer.Option(help="A file of your own, a sentence a line."),
]
Reference = Annotated[
    Path | None, typer.Option(help="Its translation, line by line.")
]
Alignments = Annotated[
    Path | None,
    typer.Option(
        help="Its gold alignments, of --source and --reference: links "
        "'i-j ipj' one line a pair; or LINE<TAB>links, the first pair being 0; "
        "or in the layout of NAACL 2003. Words are counted from 0."
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
        help="Cut the over-long lines of files, as translate does; without it "
        "they are refused. A run's search.max_source_length says what is.",
    ),
]
KeepUnknown = Annotated[
    bool,
    typer.Option(
        "--keep-unknown",
        help="Show the unknown words of a word-level model as <unk>; without "
        "it the source word most looked at stands for each.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Machine-readable results on stdout.")
]


@app.command()
def train(
    preset: Annotated[
        str | None,
        typer.Option(
            help=f"One of {PRESETS}, or a YAML file.",
            show_default="phrasebook",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="The run folder.", show_default="runs/PRESET"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with an existing run folder, exactly; one that has "
            "ended goes on with --set training.epochs=N, a larger number.",
        ),
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Short for training.seed.")
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="EPOCH",
            help="Stop after this epoch, and measure nothing; --resume goes "
            "on as if it had not stopped. One past the run's last epoch "
            "changes nothing.",
        ),
    ] = None,
    set_: Overrides = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Train a model.

    Shows loss, perplexity, accuracy, speed and time left; keeps the best
    model by validation score. Ctrl-C saves and stops; --resume goes on as if
    nothing had happened. The last line on stdout is the result as JSON.

    To train a run further: --run RUN --resume --set training.epochs=N, with a
    larger N. The schedule is then that of N epochs, from the step it is at;
    patience starts anew; the best model is kept until there is a better one.
    Before it is resumed, a run's config.yaml may be changed by hand in search
    and in how to learn (rate, schedule, losses, clipping, patience,
    checkpoints); any other change is refused.
    """
    overrides = list(set_ or ())
    if seed is not None:
        overrides.append(f"training.seed={seed}")
    with _one_sentence(debug):
        from app.device import pick_device
        from app.report import present
        from app.run import open_or_create
        from app.training import train

        folder = run or Path("runs") / Path(preset or "phrasebook").stem
        opened = open_or_create(folder, preset, overrides, resume=resume)
        device = pick_device()
        device.share_cores(opened.config.training.parts)
        logging.info("Training %s on %s", folder, device.description)
        summary = train(
            opened,
            device,
            data_dir=data_dir,
            cache_dir=cache_dir,
            until=until,
        )
        print(json.dumps(asdict(summary)), flush=True)
        if until is None:
            present(opened, data_dir, cache_dir)


@app.command()
def prepare(
    corpus: Annotated[
        str | None,
        typer.Option(
            help="phrasebook, multi30k, tatoeba, tfds:NAME, or parallel_text "
            "with --set 'corpus.train=\\[my.en, my.fr]'."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help=f"One of {PRESETS}, or a YAML file: its corpus."),
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write each split's words, a file a language, a "
            "sentence a line: what links are counted on, and what a "
            "statistical aligner reads.",
        ),
    ] = None,
    set_: Overrides = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Build a corpus ahead and count it.

    Prints pairs, duplicates, tokens, lengths, how many words training knows,
    and what is left out and why. Fails if two splits share a source sentence.
    """
    if corpus and preset:
        raise typer.BadParameter("give --corpus or --preset, not both")
    overrides = list(set_ or ())
    if corpus:
        overrides.insert(0, f"corpus.name={json.dumps(corpus)}")
    with _one_sentence(debug):
        from app import preparation
        from app.config import load_config

        config = load_config(preset or "phrasebook", overrides)
        found = preparation.prepare(config, data_dir, cache_dir)
        if words:
            preparation.write_words(config, words, data_dir, cache_dir)
        print(
            json.dumps(preparation.to_json(config, *found), ensure_ascii=False)
            if as_json
            else preparation.table(config, *found),
            flush=True,
        )
        preparation.refuse_leaks(found[0])


@app.command()
def evaluate(
    run: RunFolder,
    split: Annotated[
        str, typer.Option(help="Which split of the run's corpus.")
    ] = "test",
    source: Source = None,
    reference: Reference = None,
    cut: Cut = False,
    alignments: Alignments = None,
    beam: Beam = None,
    keep_unknown: KeepUnknown = False,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where hypotheses, attention, scores and pictures are kept.",
            show_default="RUN/evaluation",
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Measure a run: BLEU, chrF, TER, perplexity, accuracy, alignment.

    Hypotheses, attention, scores and pictures are kept under RUN/evaluation:
    as SPLIT.* for a split, as SPLIT.beam1.* with another beam and so on, and
    under files/ for files of your own. What cannot be written is warned of.
    """
    _require_whole(source, reference, alignments)
    with _one_sentence(debug):
        from app import evaluation

        _pick_device(run)
        result = evaluation.evaluate(
            run,
            split=split,
            source=source,
            reference=reference,
            cut=cut,
            alignments=alignments,
            beam_size=beam,
            keep_unknown=keep_unknown,
            output=output,
            data_dir=data_dir,
            cache_dir=cache_dir,
        )
        print(
            json.dumps(evaluation.to_json(result), ensure_ascii=False)
            if as_json
            else evaluation.table(result)
        )


@app.command()
def translate(
    run: RunFolder,
    beam: Beam = None,
    nbest: Annotated[
        int,
        typer.Option(
            min=1,
            help="Translations a line, at most the beam. More than 1 prints "
            "'line ||| translation ||| score', lines counted from 0, as Moses "
            "does; warnings and pictures count them from 1.",
        ),
    ] = 1,
    as_json: AsJson = False,
    words: Annotated[
        bool,
        typer.Option(
            "--words", help="With --json or --npz: tokens merged to words."
        ),
    ] = False,
    alignments: Annotated[
        bool,
        typer.Option("--alignments", help="With --json: Pharaoh links too."),
    ] = False,
    npz: Annotated[
        Path | None,
        typer.Option(
            help="A file for NumPy, with the attention of every hypothesis."
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="A folder for a picture of attention a sentence."),
    ] = None,
    keep_unknown: KeepUnknown = False,
    debug: Debug = False,
) -> None:
    """Translate standard input to standard output, a line in, a line out.

    Example: echo "I see a red car." | python -m app translate runs/phrasebook
    """
    if words and not (as_json or npz):
        raise typer.BadParameter("--words goes with --json or --npz")
    if alignments and not as_json:
        raise typer.BadParameter("--alignments goes with --json")
    with _one_sentence(debug):
        from app.lines import LineOptions, translate_lines

        _pick_device(run)
        translate_lines(
            run,
            sys.stdin.buffer,
            sys.stdout,
            LineOptions(
                beam,
                nbest,
                as_json,
                words,
                alignments,
                plot,
                npz,
                keep_unknown,
            ),
        )


@app.command()
def align(
    run: RunFolder,
    split: Annotated[
        str, typer.Option(help="Which split of the run's corpus.")
    ] = "test",
    source: Source = None,
    reference: Reference = None,
    cut: Cut = False,
    alignments: Alignments = None,
    reverse: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="A run that translates the other way round: the links of "
            "both are joined.",
        ),
    ] = None,
    symmetrise: Annotated[
        Literal["grow-diag-final-and", "intersection", "union"],
        typer.Option(help="How they are joined."),
    ] = "grow-diag-final-and",
    reading: Annotated[
        Literal["before", "after", "posterior"],
        typer.Option(
            help="Which attention is a word's: that of the state before it, "
            "which produced it; after it, which has read it; or, slower, the "
            "posterior: that before it, knowing which word it became.",
        ),
    ] = "before",
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Link every pair of words with a larger weight.",
            show_default="the largest weight of each target word",
        ),
    ] = None,
    score: Annotated[
        bool,
        typer.Option(
            "--score",
            help="Print AER, precision, recall and F1 against gold, for each "
            "direction, reading and way to join, instead of links.",
        ),
    ] = False,
    npz: Annotated[
        Path | None,
        typer.Option(help="Write attention between words here, for NumPy."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Align given translations word by word, a line of links i-j a pair.

    The model decodes each translation by force, and links each target word to
    the source word it looked at most.
    """
    _require_whole(source, reference, alignments)
    with _one_sentence(debug):
        from app import aligning
        from app.evaluation_sets import load_set

        _pick_device(run)
        aligner = aligning.Aligner.load(
            run,
            reverse,
            heuristic=symmetrise,
            reading=reading,
            threshold=threshold,
        )
        given = load_set(
            aligner.forward.config,
            split,
            source,
            reference,
            alignments,
            data_dir,
            cache_dir,
        )
        aligner.check_lengths(given.examples, source, reference, cut)
        if not score:
            aligning.write(aligner, given.examples, sys.stdout, as_json, npz)
            return
        scores = aligner.score(given.examples, given.gold)
        print(
            json.dumps(aligning.scores_to_json(scores))
            if as_json
            else aligning.scores_table(scores)
        )


@app.command()
def tune(
    preset: Annotated[
        str | None,
        typer.Option(
            help=f"What all trials start from: one of {PRESETS}, or a YAML "
            "file.",
            show_default="phrasebook",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the search.", show_default="runs/tune-PRESET"
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help=f"What may be chosen: one of {SPACES}, or a YAML file. "
            "refine leaves the sizes alone, which suits a short search.",
            show_default="default",
        ),
    ] = None,
    tuner: Annotated[
        Literal["hyperband", "random", "grid", "bayesian"] | None,
        typer.Option(help="How trials are chosen.", show_default="hyperband"),
    ] = None,
    objective: Annotated[
        Literal["bleu", "loss", "perplexity"] | None,
        typer.Option(help="What of validation decides.", show_default="bleu"),
    ] = None,
    trial_epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Epochs of a trial, at most.",
            show_default="those of the preset",
        ),
    ] = None,
    max_parameters: Annotated[
        int | None,
        typer.Option(
            min=1, help="Refuse larger models, before they are built."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=1, help="Of the choice of trials.", show_default="1"),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Budget: trials in all.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Budget: epochs of all trials together."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Budget: minutes, earlier sessions included.",
            show_default="20, without another budget",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trials at a time on this machine, each on a GPU or on "
            "cores of its own; 1 beside --chief alone: none here.",
        ),
    ] = 1,
    chief: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Choose trials for workers elsewhere, listening there; with "
            "--worker, where the chief listens.",
        ),
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Train trials for the chief of the search in --run; any "
            "name, another for each worker.",
        ),
    ] = None,
    lost_after: Annotated[
        float,
        typer.Option(
            min=1,
            help="Seconds without a sign of life before the trial of a worker "
            "is given to another.",
        ),
    ] = 120.0,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing: show what is done.")
    ] = False,
    set_: Overrides = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Search for a better configuration, with Keras Tuner.

    Each trial is a run folder, trained as train does it. Leaves best.yaml, a
    preset that train --preset takes; trials.csv; and pictures. Ctrl-C stops;
    the same command goes on, and does nothing twice. Several machines: the
    same folder, one with --chief HOST:PORT, the others with --chief HOST:PORT
    --worker NAME.
    """
    if worker and not chief:
        raise typer.BadParameter("--worker goes with --chief HOST:PORT")
    with _one_sentence(debug):
        from app.device import use_none
        from app.shell import app_command
        from app.tuning import results
        from app.tuning.budget import Budget
        from app.tuning.folder import Folder, open_or_create
        from app.tuning.search import join, lead, search
        from app.tuning.trials import Place

        use_none()
        path = run or Path("runs") / f"tune-{Path(preset or 'phrasebook').stem}"
        place = Place(data_dir, cache_dir)
        if worker:
            join(path, str(chief), worker, jobs, place)
            return
        if report:
            folder = Folder(path)
        else:
            folder = open_or_create(
                path,
                preset,
                set_ or (),
                space,
                method=tuner,
                objective=objective,
                epochs=trial_epochs,
                max_parameters=max_parameters,
                seed=seed,
            )
            if (trials, epochs, minutes) == (None, None, None):
                minutes = 20.0
            budget = Budget(trials, epochs, minutes)
            if chief or jobs > 1:
                lead(folder, budget, chief, jobs, place, lost_after)
            else:
                search(folder, budget, place)
        print(
            json.dumps(results.to_json(folder))
            if as_json
            else results.table(folder)
        )
        logging.info(
            "Train what was found: %s",
            app_command(
                "train", "--preset", path / "best.yaml", "--run", path / "best"
            ),
        )


@app.command()
def serve(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Run folders made by train; the page compares any two.",
            show_default="runs/phrasebook",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen at; 0.0.0.0 lets other machines in."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="The port; 0 for a free one."),
    ] = 8000,
    debug: Debug = False,
) -> None:
    """Show a page that translates and draws where the model looked.

    It has a JSON API too, which http://127.0.0.1:8000/api explains.
    """
    with _one_sentence(debug):
        from app.web.server import serve

        chosen = runs or [Path("runs/phrasebook")]
        _pick_device(chosen[0])
        serve(chosen, host, port)


@app.command()
def benchmark(
    preset: Annotated[
        str, typer.Option(help=f"One of {PRESETS}, or a YAML file.")
    ] = "reference-bahdanau",
    units: Annotated[
        int | None,
        typer.Option(
            min=1, help="Short for all sizes of the model but its layers."
        ),
    ] = None,
    vocabulary: Annotated[
        int | None,
        typer.Option(min=5, help="Short for tokenizer.vocabulary_size."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="Of each timing, at least.")
    ] = 10.0,
    rounds: Annotated[
        int, typer.Option(min=1, help="Timings of each system, in turns.")
    ] = 3,
    peers: Annotated[
        str,
        typer.Option(
            help="Other systems to time beside, separated by commas; PyTorch "
            "where it is installed. The reference presets have peers.",
        ),
    ] = "pytorch,stock-keras",
    scaling: Annotated[
        bool,
        typer.Option(
            "--scaling",
            help="Also time training with each size changed alone: lengths of "
            "source and target, batch, vocabulary, units, cores. These are "
            "about 24 more systems, each for --rounds times --seconds: about "
            "20 minutes.",
        ),
    ] = False,
    set_: Overrides = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Time training and translation here, beside other systems.

    Systems take turns on the same batches, each in a process of its own, on a
    machine that should have nothing else to do. Also counts what a command
    takes to start beside TensorFlow's own import, and how much of training is
    waiting for batches.
    """
    with _one_sentence(debug):
        from app.benchmark import report
        from app.benchmark.run import Options, benchmark
        from app.config import load_config

        sizes = ("embedding", "encoder", "decoder", "attention")
        overrides = [f"model.{each}_units={units}" for each in sizes if units]
        if vocabulary:
            overrides.append(f"tokenizer.vocabulary_size={vocabulary}")
        config = load_config(preset, [*overrides, *(set_ or ())])
        chosen = tuple(each for each in peers.split(",") if each)
        found = benchmark(
            preset,
            config,
            Options(seconds, rounds, chosen, scaling),
            data_dir,
            cache_dir,
        )
        print(json.dumps(found) if as_json else report.table(found))


@app.command()
def variants(
    run: Annotated[
        Path, typer.Option(help="Where the run folders go, one a run.")
    ] = Path("runs/variants"),
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This variant; can be repeated."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="A YAML file like app/variants.yaml.",
            show_default="app/variants.yaml",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(min=1, help="Runs at a time, each on cores of its own."),
    ] = 1,
    list_: Annotated[
        bool, typer.Option("--list", help="Only list the variants.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing: show what is done.")
    ] = False,
    speed: Annotated[
        bool,
        typer.Option(
            "--speed",
            help="Train nothing: time training steps of the first run of "
            "each variant, on a machine with nothing else to do; of several "
            "times the fastest counts.",
        ),
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(help="Put the figures into this Markdown file."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Train every variant of the model on one budget and compare them.

    Each is trained and measured as train and evaluate do it. Ctrl-C stops;
    the same command goes on, and does nothing twice.
    """
    with _one_sentence(debug):
        from app import variants, variants_table
        from app.processes import places
        from data import GlimpseError

        opened = variants.load_plan(plan or variants.PLAN)
        chosen = variants.variants(opened, only or ())
        if list_:
            for each in chosen:
                sets = (f"--set {shlex.quote(o)}" for o in each.overrides)
                print(each.name, *sets)
            return
        if write:  # better refused now than after hours
            variants_table.require_place(write)
        failed = []
        if speed:
            variants.measure_speeds(run, chosen, data_dir, cache_dir)
        elif not report:
            given = places(data_dir, cache_dir)
            runs = variants.Runs(run, opened, jobs, given)
            failed = runs.finish(chosen)
        if write:
            every = variants.variants(opened)  # whatever --only says
            variants_table.write(write, run, opened, every)
        print(
            json.dumps(variants_table.to_json(run, opened, chosen))
            if as_json
            else variants_table.table(run, opened, chosen)
        )
        if failed:
            raise GlimpseError("; ".join(failed))


def _pick_device(run: Path) -> None:
    """Pick the device, with its cores shared as a run wants them."""
    from app.device import pick_device
    from app.run import Run

    config = Run.open(run).config
    pick_device().share_cores(config.training.parts)


def _require_whole(
    source: Path | None, reference: Path | None, alignments: Path | None
) -> None:
    if (source is None) != (reference is None):
        raise typer.BadParameter("--source and --reference go together")
    if alignments is not None and source is None:
        raise typer.BadParameter(
            "--alignments goes with --source and --reference; those of a "
            "split come with its corpus"
        )


@contextmanager
def _one_sentence(debug: bool) -> Iterator[None]:
    """A failure is one sentence and exit code 1; `debug` shows where."""
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
    """The reader of stdout has gone: nothing is wrong."""
    # Or the interpreter's own last flush would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)


def _write_utf8() -> None:
    """Results are UTF-8 wherever they go, and stderr takes any character."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # None where it is closed
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line."""
    _write_utf8()
    chatter.leave_out()
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", stream=sys.stderr
    )
    logging.getLogger("absl").setLevel(logging.ERROR)
    app(prog_name="python -m app")


def _end_at_once(code: Any) -> None:
    """End as Python does, but do not take TensorFlow apart: it takes seconds.

    Where the last words cannot be written nothing is done, and Python says so.
    """
    atexit._run_exitfuncs()
    with suppress(OSError):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed
                stream.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    try:
        main()
    except SystemExit as end:
        if "tensorflow" in sys.modules:
            _end_at_once(end.code)
        raise
