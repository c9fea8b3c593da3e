"""A blind listening test: `python -m plugins.musicgen.listen A B --data DIR`; see `listening`."""

import sys

from .listening.command import main

if __name__ == "__main__":
    sys.exit(main())
