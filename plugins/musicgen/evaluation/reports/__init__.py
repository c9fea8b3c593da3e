"""What comes of an evaluation: `evaluation.json`, a page with players, a table in the terminal."""
