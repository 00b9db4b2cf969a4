"""Scores by the language of the target."""

import pytest

from app.config import load_config
from app.metrics.bleu_tokenizers import bleu_tokenizer
from app.metrics.text import (
    corpus_bleu,
    corpus_ter,
    process,
    processed_bleu,
    sentence_bleu,
)
from app.training.checkpoints import TrainingState
from app.training.schedule import judge
from data import GlimpseError
from tests.app.metrics.texts import text_scores

# One character of ten is another one; both are one word between spaces.
OTHER = {
    "zh": ("小鸟今天早上听见黑猫", "小鸟今天早上听见白猫"),
    "ja": ("鳥が今朝黒い猫を見る", "鳥が今朝白い猫を見る"),
    "th": ("นกเห็นแมวดำในสวน", "นกเห็นแมวดีในสวน"),
    "km": ("ខ្ញុំស្រឡាញ់អ្នក", "ខ្ញុំស្រឡាញ់អ្នា"),
    "lo": ("ຂ້ອຍຮັກເຈົ້າຫຼາຍ", "ຂ້ອຍຮັກເຈົ້າຫຼາຢ"),
    "my": ("သူမကိုချစ်တယ်", "သူမကိုချစ်တယာ"),
}


@pytest.mark.parametrize(
    ("code", "tokenizer"),
    [
        *((code, "zh") for code in ("zh", "zh-TW", "zh_CN", "cmn", "chi")),
        *((code, "zh") for code in ("zho", "yue", "zh-Hant-HK", "ZH")),
        *((code, "char") for code in ("ja", "jpn", "ja-JP", "ko", "kor")),
        *((code, "char") for code in ("th", "tha", "km", "lo", "my", "mya")),
        *((code, "13a") for code in ("fr", "fra", "de-AT", "en", "vi", "hi")),
        *((code, "13a") for code in ("", "x", "klingon")),
    ],
)
def test_the_language_says_what_bleu_counts(code: str, tokenizer: str) -> None:
    assert bleu_tokenizer(code) == tokenizer
    config = load_config("phrasebook", [f"corpus.target='{code}'"])
    assert config.bleu_tokenizer == tokenizer


@pytest.mark.parametrize("language", OTHER)
def test_languages_without_spaces_are_measured(language: str) -> None:
    hypothesis, reference = OTHER[language]
    tokenizer = bleu_tokenizer(language)
    given = [hypothesis], [(reference,)]
    assert corpus_bleu(*given).score < 1e-9  # as single words
    scores = text_scores(*given, tokenizer)
    assert 40 < scores["bleu"].score < 95
    assert f"tok:{tokenizer}|" in scores["bleu"].signature
    assert 0 < scores["ter"].score < 30
    assert scores["ter"].signature.endswith(f"|split:{tokenizer}")
    assert corpus_bleu(*given, tokenizer) == scores["bleu"]
    assert corpus_ter(*given, tokenizer) == scores["ter"]
    assert 40 < sentence_bleu(hypothesis, [reference], tokenizer) < 95
    processed = [(process(reference, language),)]
    assert 40 < processed_bleu([hypothesis], processed, language).score < 95


def test_ordinary_languages_are_measured_as_ever() -> None:
    given = ["The cat sat on a mat."], [("The cat sat on the mat.",)]
    scores = text_scores(*given, "13a")
    assert scores == text_scores(*given)
    assert "split" not in scores["ter"].signature
    assert process("L'eau, c’est «bon».", "fr").startswith("l&apos; eau ,")


def test_another_tokenizer_is_asked_for() -> None:
    config = load_config("phrasebook", ["training.bleu_tokenizer=intl"])
    assert config.bleu_tokenizer == "intl"
    with pytest.raises(GlimpseError, match=r"ja-mecab.*not installed"):
        corpus_bleu(["猫"], [("猫",)], "ja-mecab")
    with pytest.raises(GlimpseError, match="expected one of 13a, char"):
        load_config("phrasebook", ["training.bleu_tokenizer=mecab"])


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        # BLEU and perplexity by epoch, and which epoch is kept.
        ([(0, 90), (0, 50), (0, 20)], 3),
        ([(0, 90), (0, 50), (0, 70)], 2),
        ([(5, 90), (0, 20), (5, 95)], 1),
        ([(1, 90), (2, 95), (2, 95)], 2),
    ],
)
def test_of_equal_scores_the_lower_perplexity_is_better(
    scores: list[tuple[float, float]], best: int
) -> None:
    options = load_config("phrasebook", ["training.epochs=9"]).training
    state = TrainingState()
    for epoch, (score, perplexity) in enumerate(scores, start=1):
        state.epoch = state.step = epoch
        is_best = judge(state, options, score, perplexity)
        assert is_best == (state.best_step == epoch)
    assert state.best_step == best
    assert state.stale_epochs == len(scores) - best
