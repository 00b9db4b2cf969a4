"""Commands: each parses options, calls one function, and shows its result."""
