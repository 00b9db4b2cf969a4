"""Error that all packages raise for problems that the caller can correct."""


class GlimpseError(ValueError):
    """Error for bad input.

    The message is one sentence. It says what the input was, what is accepted
    instead, and what the user can do. The command line prints this message and
    exits with status 1.
    """
