"""The one error every room raises for what its caller can mend."""


class GlimpseError(ValueError):
    """Bad input: one sentence saying what came, what goes, how to fix it.

    The command line prints the sentence and exits with status 1.
    """
