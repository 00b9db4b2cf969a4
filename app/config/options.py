"""Options of training, and the configuration, which joins all options of a run.

Both are frozen dataclasses that pydantic validates. The defaults of their
fields are the defaults of the application.
"""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from app.metrics import TRAINED_BY
from app.metrics.bleu_tokenizers import TOKENIZERS, bleu_tokenizer
from data import (
    CleaningOptions,
    CorpusOptions,
    Language,
    PipelineOptions,
    TokenizerOptions,
)
from data.options import languages
from data.validation import (
    STRICT,
    Count,
    Natural,
    NotNegative,
    Positive,
    Rate,
    one_of,
)
from models import SearchOptions
from models.architecture import ModelOptions

EPOCHS = "training.epochs"
ATTENTION_LOSSES = ("coverage_loss", "guided_alignment")


@dataclass(frozen=True, config=STRICT)
class TrainingOptions:
    """Options of training.

    `warmup_steps` and `checkpoint_steps` are counted in updates of the weights;
    `patience` and `plateau_patience` are counted in epochs. `r_drop`,
    `scheduled_sampling` and `l2` are described in `models.signals`,
    `weight_decay` and `moving_average` are options of the optimizer; see
    `app.training.compiled`.
    """

    epochs: Count = 10
    seed: Natural = 1
    learning_rate: Positive = 1e-3
    warmup_steps: Natural = 0
    schedule: Literal["constant", "cosine", "inverse-sqrt"] = "constant"
    plateau_patience: Count | None = None
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    label_smoothing: Rate = 0.0
    coverage_loss: NotNegative = 0.0
    guided_alignment: NotNegative = 0.0
    alignments: str | None = None  # a file; None: use those of the corpus
    r_drop: NotNegative = 0.0
    scheduled_sampling: Positive | None = None  # steps
    l2: NotNegative = 0.0
    weight_decay: NotNegative = 0.0
    moving_average: Rate = 0.0
    clip_norm: Positive | None = 5.0
    metric: Annotated[str, one_of(TRAINED_BY)] = "bleu"
    bleu_tokenizer: Annotated[str, one_of(TOKENIZERS)] | None = (
        None  # choose it by the target language
    )
    patience: Count | None = None
    keep_best: Natural = 0  # epochs whose weights are kept
    checkpoint_steps: Count = 200
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    fused: bool = True  # use hand-written gradients, where there are any
    parts: Count = 2  # parts of a batch, in parallel on a CPU, also in search


@dataclass(frozen=True, config=STRICT)
class Config:
    """All options of a run.

    These options and the text of the corpus determine the run.
    """

    corpus: CorpusOptions = Field(default_factory=CorpusOptions)
    cleaning: CleaningOptions = Field(default_factory=CleaningOptions)
    tokenizer: TokenizerOptions = Field(default_factory=TokenizerOptions)
    pipeline: PipelineOptions = Field(default_factory=PipelineOptions)
    model: ModelOptions = Field(default_factory=ModelOptions)
    training: TrainingOptions = Field(default_factory=TrainingOptions)
    search: SearchOptions = Field(default_factory=SearchOptions)

    @property
    def languages(self) -> tuple[Language, Language]:
        """Languages of source and target; they define what counts as a word."""
        return languages(self.corpus, self.tokenizer)

    @property
    def bleu_tokenizer(self) -> str:
        """Name of sacreBLEU's tokenizer for computing BLEU.

        It is the option `training.bleu_tokenizer` if that is set, and otherwise
        the usual tokenizer for the target language.
        """
        asked = self.training.bleu_tokenizer
        return asked or bleu_tokenizer(self.corpus.target)
