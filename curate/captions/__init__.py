"""How labels become the sentences that condition MusicGen."""
