"""The options of this room, apart from what they are for: no TensorFlow."""

from dataclasses import dataclass

from data.errors import GlimpseError


@dataclass(frozen=True)
class PipelineOptions:
    """How pairs become batches; the one home of these defaults.

    Attributes:
        batch_size: rows of every batch.
        max_source_length: longest source kept, in tokens with EOS.
        max_target_length: longest target kept, in tokens with EOS.
        boundaries: lengths that batches are padded to, ascending; those not
            below the longest kept length give way to that length.
        shuffle_buffer: pairs among which the next one is drawn; from the size
            of the corpus on, every order is equally likely.
        in_memory_pairs: a corpus of more pairs is read anew in every epoch
            instead of being kept in memory.

    Raises:
        GlimpseError: a value below what makes sense.
    """

    batch_size: int = 64
    max_source_length: int = 64
    max_target_length: int = 64
    boundaries: tuple[int, ...] = (
        *(6, 8, 10, 12, 14, 16, 18, 20, 22, 24),
        *(28, 32, 40, 48, 64),
    )
    shuffle_buffer: int = 200_000
    in_memory_pairs: int = 1_000_000

    def __post_init__(self) -> None:
        least = {
            "batch_size": (self.batch_size, 1),
            "max_source_length": (self.max_source_length, 2),
            "max_target_length": (self.max_target_length, 2),
            "boundaries": (min(self.boundaries, default=2), 2),
            "shuffle_buffer": (self.shuffle_buffer, 1),
            "in_memory_pairs": (self.in_memory_pairs, 0),
        }
        for name, (value, smallest) in least.items():
            if value < smallest:
                raise GlimpseError(
                    f"Option {name} is {value}, but {smallest} is the least "
                    "that works (a length counts the end of the sentence): "
                    "raise it."
                )

    @property
    def lengths(self) -> tuple[int, ...]:
        """The closed set of lengths: `boundaries` cut at the longest kept."""
        longest = max(self.max_source_length, self.max_target_length)
        below = sorted({each for each in self.boundaries if each < longest})
        return (*below, longest)


@dataclass(frozen=True)
class CleaningOptions:
    """Which pairs are left out of training, each counted, or evened out.

    Pairs with an empty side are always left out.

    Attributes:
        length_ratio: most that one side's words may be times the other's; None
            for any. Where a script has no spaces, so many letters count as a
            word: see `data.text.about_words`.
        duplicates: whether to leave out a pair that came before.
        language: whether to leave out a pair with a side of five words or more
            that is surely in another language than it should be.
        even: whether to write the apostrophes, quotes, ellipses and letters of
            full width of training text in the form that is most frequent there,
            a side by itself.

    Raises:
        GlimpseError: a ratio below 1, which no pair has.
    """

    length_ratio: float | None = None
    duplicates: bool = False
    language: bool = False
    even: bool = False

    def __post_init__(self) -> None:
        if self.length_ratio is not None and self.length_ratio < 1:
            raise GlimpseError(
                f"Option length_ratio is {self.length_ratio}, but no pair has "
                "less than 1: raise it, or set it to null."
            )
