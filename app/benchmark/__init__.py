"""How fast a preset trains and translates here, and beside what."""
