"""Adapters: train a few million parameters beside a frozen language model.

`options` says what an adapter is, `targets` what it can reach, `layers` computes it, `adapter`
attaches it (`attach`, `Adapter`), `files` keeps it in a folder that PEFT reads too (`save`,
`load`). Torch and audiocraft are imported by `layers`, `adapter` and `files` only.
"""
