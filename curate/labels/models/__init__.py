"""Essentia's models: which there are, their files, fetching them, and what they say of a track.

`zoo` is the table of all. `weights` finds and checks their files on a `shelf`, `fetching` brings
them there by `download`. `listening` asks them about a track, of its `mel` spectrograms, by the
`runners` of either format.
"""
