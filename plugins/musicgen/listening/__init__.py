"""The listening test: which of two sets of clips do people prefer, not knowing which is which?

`python -m plugins.musicgen.listen A B --data DIR` serves one page, `--results` tells what came of
it. Order of reading: `pairs` (what a set is), `preparing` (two clips made alike in all but their
music), `blinding` (which comes first, and under which names), `votes` (the file of votes), `desk`
(what a listener may ask for), `server` (HTTP), `page` (what the listener sees), `results`,
`command`.

Conventions: the sets are `a` and `b` everywhere on this side of the server; a listener sees only
`1` and `2`, the clip heard first and the one heard second. Loudness is in LUFS, lengths in seconds.
"""
