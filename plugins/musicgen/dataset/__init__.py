"""What a run learns from: `data` finds and checks it, `clips` reads it, `text` words it, `tokens`
keeps its codes."""
