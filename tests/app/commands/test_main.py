"""The command line, in this process: TensorFlow is imported once."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from app.__main__ import app
from app.inference import Translator
from tests.app.conftest import SOURCES, TARGETS

COMMANDS = [command.callback.__name__ for command in app.registered_commands]


def invoke(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
    result = CliRunner().invoke(
        app, [str(each) for each in arguments], input=stdin
    )
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_run, tmp_path / "run")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_is_explained(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # room for the choices of an option
    code, text, _ = invoke(command, "--help")
    assert code == 0
    group = typer.main.get_command(app)
    for parameter in group.commands[command].params:  # type: ignore[attr-defined]
        assert parameter.help or parameter.name == "help", parameter.name
        assert parameter.opts[0].lstrip("-") in text or "RUN" in text
        if parameter.help:  # whole: brackets can be taken for a style
            said, shown = (re.sub(r"\W", "", t) for t in (parameter.help, text))
            assert said in shown, parameter.name


IMPORTED = """
import sys
from app.__main__ import app
for arguments in {calls}:
    try:
        app(arguments)
    except SystemExit as end:
        print(arguments, end.code)
print(sorted({{"{names}"}} & set(sys.modules)))
"""


def imported(
    names: list[str], *calls: list[str], stdin: str = ""
) -> tuple[list[str], str]:
    """Which of these modules commands import; with what they print."""
    program = IMPORTED.format(names='", "'.join(names), calls=calls)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, found = done.stdout.splitlines()
    return ast.literal_eval(found), "\n".join(printed)


def test_help_does_not_wait_for_tensorflow() -> None:
    helped = [[], *([command] for command in COMMANDS)]
    wrong = [
        ["translate"],
        ["benchmark", "--units", "0"],
        ["evaluate", "runs/none", "--source", "my.en"],
    ]
    helps = [[*each, "--help"] for each in helped]
    heavy = ["tensorflow", "keras", "tensorflow_datasets", "keras_tuner"]
    heavy += ["matplotlib", "numpy", "data", "models"]
    found, printed = imported(heavy, *helps, *wrong)
    assert found == []
    ends = [f"{call} 0" for call in helps] + [f"{call} 2" for call in wrong]
    assert {*ends} <= {*printed.split("\n")}


def test_translate_imports_no_more_than_it_needs(run: Path) -> None:
    # Keras itself imports matplotlib, where that is installed.
    needless = ["tensorflow_datasets", "keras_tuner", "tensorflow_text"]
    needless += ["sacrebleu", "sacremoses", "langcodes", "pooch", "fastapi"]
    needless += ["app.plots", "app.training.loop", "app.measuring.evaluation"]
    given = SOURCES[0]
    call = ["translate", str(run), "--beam", "1"]
    found, printed = imported([*needless, "keras"], call, stdin=f"{given}\n")
    assert found == ["keras"]
    translation, end = printed.splitlines()
    assert translation
    assert end == f"{call} 0"


def test_a_line_in_is_a_line_out(run: Path) -> None:
    separators = "I see\u2028the red\x0b car.\x85"
    lines = [SOURCES[0], "", separators, "   ", SOURCES[1], SOURCES[0]]
    stdin = "\n".join(lines).encode()  # the last line lacks its newline
    code, out, _ = invoke("translate", run, "--beam", 2, stdin=stdin)
    assert code == 0
    translations = out.split("\n")
    assert len(translations) == len(lines) + 1
    assert translations[0] == translations[5] != translations[4]
    assert [index for index, each in enumerate(translations) if not each] == [
        1,
        3,
        6,
    ]


def test_bad_bytes_and_long_lines_are_warned_of(
    run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stdin = b"I see\n\xff\xfe bad\n" + b"word " * 500 + b"\n"
    code, out, _ = invoke("translate", run, "--beam", 1, stdin=stdin)
    assert code == 0
    assert out.count("\n") == 3
    assert "Line 2 is not UTF-8 at byte 1" in caplog.text
    assert "Line 3 is over-long: only its first 511 tokens" in caplog.text
    assert "Line 1 " not in caplog.text


def test_json_has_the_keys_that_are_promised(run: Path) -> None:
    stdin = f"{SOURCES[0]}\n\n".encode()
    code, out, _ = invoke(
        "translate",
        *(run, "--json", "--beam", 3, "--nbest", 2, "--alignments"),
        stdin=stdin,
    )
    assert code == 0
    first, empty = (json.loads(line) for line in out.splitlines())
    assert set(first) == {
        *("source", "translation", "score", "source_tokens", "target_tokens"),
        *("confidence", "token_confidences"),
        *("attention", "nbest", "alignments"),
    }
    assert first["source"] == SOURCES[0]
    assert len(first["nbest"]) == 2
    for each in first["nbest"]:
        attention = np.array(each["attention"])
        assert attention.shape == (
            len(each["target_tokens"]),
            len(first["source_tokens"]),
        )
        np.testing.assert_allclose(attention.sum(1), 1, atol=1e-4)
    assert first["nbest"][0]["translation"] == first["translation"]
    assert first["source_tokens"][-1] == first["target_tokens"][-1] == "</s>"
    assert empty["translation"] == ""
    assert len(empty["nbest"]) == 1


def test_words_are_merged_on_demand(run: Path) -> None:
    _, out, _ = invoke(
        "translate", run, "--json", "--words", stdin=SOURCES[0].encode()
    )
    tokens = json.loads(out)["source_tokens"]
    assert tokens == ["I", "see", "the", "red", "car", ".", "</s>"]


def test_nbest_lists_without_json(run: Path) -> None:
    stdin = "\n".join(SOURCES[:2]).encode()
    _, out, _ = invoke("translate", run, "--beam", 3, "--nbest", 3, stdin=stdin)
    rows = [line.split(" ||| ") for line in out.splitlines()]
    # As Moses counts, whose tools read such lists.
    assert [row[0] for row in rows] == ["0"] * 3 + ["1"] * 3
    scores = [float(row[2]) for row in rows[:3]]
    assert scores == sorted(scores, reverse=True)


def test_a_picture_for_every_sentence(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    stdin = f"{SOURCES[0]}\n\n{SOURCES[1]}\n".encode()
    code, _, _ = invoke("translate", run, "--plot", folder, stdin=stdin)
    assert code == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["0001.png", "0001.svg", "0003.png", "0003.svg"]
    starts = {".png": b"\x89PNG", ".svg": b"<?xml"}
    for path in folder.iterdir():
        assert path.read_bytes().startswith(starts[path.suffix])


def test_evaluate_files_of_ones_own(run: Path, tmp_path: Path) -> None:
    source, reference = tmp_path / "a.en", tmp_path / "a.fr"
    source.write_text("\n".join(SOURCES) + "\n", "utf-8")
    reference.write_text("\n".join(TARGETS) + "\n", "utf-8")
    options = ("--source", source, "--reference", reference)
    code, out, _ = invoke("evaluate", run, *options, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["sentences"] == len(SOURCES)
    assert result["aer"] is None
    forced = Translator.load(run).force(SOURCES, TARGETS)
    said = [each.hypotheses[0] for each in forced]
    assert result["token_accuracy"] == pytest.approx(
        sum(each.correct or 0 for each in said)
        / sum(len(each.ids) for each in said),
        abs=1e-4,
    )
    code, out, _ = invoke("evaluate", run, *options)
    assert "BLEU lc.norm.tok" in out


def test_unequal_files_are_one_sentence(run: Path, tmp_path: Path) -> None:
    source, reference = tmp_path / "a.en", tmp_path / "a.fr"
    source.write_text("one\ntwo\n", "utf-8")
    reference.write_text("un\n", "utf-8")
    code, out, error = invoke(
        "evaluate", run, "--source", source, "--reference", reference
    )
    assert code == 1
    assert out == ""
    assert error.count("\n") == 1
    for part in (f"{source} has 2 lines", f"{reference} has 1"):
        assert part in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["translate", "nowhere"], "nowhere is not a run folder"),
        (["evaluate", "nowhere"], "nowhere is not a run folder"),
        (["train", "--preset", "phrasebok"], "did you mean 'phrasebook'"),
        (["train", "--set", "training.epoch=1"], "'epochs'"),
        (["train", "--set", "epochs"], "SECTION.KEY=VALUE"),
    ],
)
def test_failures_are_one_sentence_and_exit_1(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, error = invoke(*arguments)
    assert code == 1
    assert out == ""
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["translate", "RUN", "--words"], "--words goes with --json or --npz"),
        (["translate", "RUN", "--alignments"], "--alignments goes with --json"),
        (
            ["translate", "RUN", "--beam", "0"],
            "Invalid value for '--beam': Input should be greater than or equal",
        ),
        (
            ["evaluate", "RUN", "--source", "a"],
            "--source and --reference go together",
        ),
        (
            ["align", "RUN", "--reference", "a"],
            "--source and --reference go together",
        ),
        (
            ["evaluate", "RUN", "--alignments", "a"],
            "--alignments goes with --source and --reference",
        ),
        (["tune", "--worker", "a"], "--worker goes with --chief HOST:PORT"),
        (["evaluate"], "Missing argument 'RUN'"),
        (["trian"], "No such command 'trian'. Did you mean 'train'"),
    ],
)
def test_wrong_usage_exits_2(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # the message on one line
    code, out, error = invoke(*arguments)
    assert code == 2
    assert out == ""
    assert message in error


def test_debug_shows_where(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a run folder"):
        invoke("translate", tmp_path, "--debug")


def test_an_existing_run_is_not_trained_over(run: Path) -> None:
    code, _, error = invoke("train", "--run", run)
    assert code == 1
    assert "--resume" in error
    assert "another --run" in error


def test_a_run_is_not_resumed_as_another(run: Path) -> None:
    code, _, error = invoke(
        "train", "--run", run, "--resume", "--seed", 7, "--preset", "phrasebook"
    )
    assert code == 1
    assert "training.seed: 1, 7" in error


def test_a_reader_that_leaves_is_no_failure(run: Path) -> None:
    program = [sys.executable, "-m", "app", "translate", str(run)]
    with subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"a line\n" * 20)
        process.stdin.close()
        error = process.stderr.read().decode()
    assert process.returncode == 0, error
    assert "Traceback" not in error
    assert "Broken pipe" not in error
