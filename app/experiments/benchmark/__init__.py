"""Benchmark that compares Glimpse's speed and memory use with other systems.

It trains and translates with the model of a preset; a preset is a named
configuration of Glimpse.
"""
