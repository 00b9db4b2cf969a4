"""Evaluation of a run, as done by the command `evaluate`."""

from collections.abc import Sequence
from pathlib import Path

from app.inference import Translator
from app.inference.cautions import check_lengths
from app.measuring.keeping import ensemble_name, result_name, setting_name
from app.measuring.measure import Measured, measure
from app.measuring.saving import save
from app.measuring.sets import Files, load_set
from app.metrics import EVALUATED
from app.runs import Run
from data import Places


def evaluate(
    folder: Path,
    places: Places | None = None,
    *,
    split: str = "test",
    files: Files | None = None,
    cut: bool = False,
    beam_size: int | None = None,
    keep_unknown: bool = False,
    ensemble: Sequence[Path] = (),
    search: Sequence[str] = (),
    output: Path | None = None,
) -> Measured:
    """Measure a run on a split of its corpus, or on files; save the results.

    The names of the saved files tell what was measured, see
    `app.measuring.keeping`. If files cannot be written, a warning names them.

    Args:
        folder: the run folder.
        places: the folders of the data; None for the default folders.
        split: a split of the run's corpus; ignored if `files` are given.
        files: files of the user to measure the run on; None to use the split.
        cut: whether to cut lines of these files that are too long. If false,
            such lines are an error.
        beam_size: number of hypotheses kept in beam search; None for the number
            in the run's configuration.
        keep_unknown: whether `<unk>` stays in the translations of a word-level
            model. If false, a source word replaces each `<unk>`; see
            `Translator`.
        ensemble: see `Translator.load`.
        search: see `Translator.load`.
        output: the folder to save the results in; None for the run's folder
            `evaluation`.

    Raises:
        GlimpseError: the run, the corpus or a file cannot be read; the source
            and reference files differ in their number of lines; or a line is
            too long.
    """
    run = Run.open(folder)
    given = load_set(run, split, files, places or Places())
    translator = Translator.load(
        folder, ensemble, search=search, keep_unknown=keep_unknown
    )
    sources = [example.source for example in given.examples]
    check_lengths(translator, sources, files and files.source, cut)
    measured = measure(translator, given, EVALUATED, beam_size)
    own_beam = translator.config.search.beam_size
    told = {
        f"beam{measured.beam}": beam_size not in (None, own_beam),
        "keep-unknown": keep_unknown,
        # Long lines of a split are always cut.
        "cut": cut and files is not None,
        **dict.fromkeys(map(setting_name, search), True),
        ensemble_name(ensemble): bool(ensemble),
    }
    name = result_name(given.split, files or (), told)
    save((output or run.evaluation) / name, measured)
    return measured
