"""Models outside training: found, named, opened, converted, and described when they are handed on.

`base` is what a run starts from, `tuned` what came of one; `identity` and `places` say which base
that is on any machine, `porting` goes between audiocraft's and transformers'
forms, `provenance` and `card` are written beside an exported model.
"""
