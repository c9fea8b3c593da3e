"""What fits which GPU: `python -m plugins.musicgen.memory`; the formula is in `fitting.memory`."""

from .fitting.tables import main

if __name__ == "__main__":
    main()
