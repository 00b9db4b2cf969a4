"""Search, with Keras Tuner, for better configurations than the presets.

Each trial of a search trains and evaluates a model of one configuration. Only
the command `tune` imports this package, and only when that command runs. The
main module of the package is `search`.
"""
