"""Better configurations than ours, found with Keras Tuner.

Imported inside the command `tune`, which is the way in: see `search`.
"""
