"""The token cache: the compression model runs once for each file, its codes are kept.

A file's codes are kept whole, so crops, shuffling and texts are as alive as without the cache, and
all experiments and datasets share them. Order of reading: `store` (what is kept where), `encode`
(how a file becomes codes), `fill` (which files, by whom), `crops` (what a training step reads).

What the cache changes: a crop that starts at the beginning of its file and ends at its end (our
default, `dataset.min_segment_ratio: 1.0` on clips as long as the crop) has exactly the codes that
encoding it would give. Any other crop starts on a frame of the file, and its codes know the sound
around it, which a crop encoded by itself hears as silence: `crops` has the figures.
"""
