"""How a run is made to fit a small GPU: `memory` counts, `machine` chooses, the others save.

`recompute` with `lean` computes again what is cheap, `frozen` halves what is not trained,
`textcache` reads each text once, `compiling` is torch.compile where it helps. `tables` prints what
fits.
"""
