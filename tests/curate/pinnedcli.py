"""The command line with a table of models whose hashes are those of the files in a folder.

    python pinnedcli.py FOLDER models fetch --models DIR

The official files cannot be shipped, and nothing else has their hashes.
"""

import sys
from pathlib import Path

import modelsite

from curate import cli
from curate.labels.models import zoo


def main() -> int:
    """Runs the command after the folder."""
    files = {path.name: path.read_bytes() for path in Path(sys.argv[1]).iterdir()}
    zoo.MODELS = modelsite.pinned(files)
    zoo.BY_NAME = {model.name: model for model in zoo.MODELS}
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
