"""discord.py imports audioop, which warns that it will go: the import must happen before warnings become errors."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401 - imported for its warning
