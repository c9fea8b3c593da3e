"""Where `dora run` looks: Dora runs the package in the working folder that has a `train.py`."""

# Relative: an absolute import breaks the workers that `dora run -d` starts.
from .musicgen.train import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
