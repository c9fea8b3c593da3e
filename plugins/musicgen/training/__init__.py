"""The training: `solver` first, its `steps`, what is checked before (`settings`), what is told.

A run is put together by `plugins.musicgen.train`.
"""
