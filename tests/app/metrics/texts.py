"""Metrics of text alone, all of them at once."""

from app.metrics import METRICS, Outcome, Score
from app.metrics.bleu_tokenizers import ORDINARY
from app.metrics.text import References


def text_scores(
    hypotheses: list[str], references: References, tokenizer: str = ORDINARY
) -> dict[str, Score]:
    """Compute BLEU, chrF and TER, as an evaluation does."""
    outcome = Outcome(hypotheses, references, tokenizer=tokenizer)
    return {
        name: METRICS[name].score(outcome) for name in ("bleu", "chrf", "ter")
    }
