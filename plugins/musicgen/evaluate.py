"""Did it learn the genre, and does it follow the prompt? Figures, a page, and clips to hear.

    python -m plugins.musicgen.evaluate SIG --data DIR
    python -m plugins.musicgen.evaluate A B --data DIR --baseline A
    python -m plugins.musicgen.evaluate A --data DIR --metrics fad,clap --limit 0 --seconds 15

A, B are experiments by their signature (their best weights), folders with an adapter, folders that
the export command wrote, base models by folder or by name on the Hub, or folders of clips: with
<id>.wav and prompts.jsonl, as the generate command writes them, or with any audio. All get the same
prompts from the test split of DIR, the same seeds and the same length. What a model was trained
from is evaluated beside it, and every figure is told with its difference to that.

Metrics:
{metrics}

A metric whose weights are missing is told as not run, with the command that gets them:
    python -m plugins.musicgen.evaluation.features.models    VGGish and discogs-effnet
    curate models fetch                                      the label models
    hf download laion/clap-htsat-unfused                     CLAP

The report is OUT/index.html, the numbers are in OUT/evaluation.json (schemas/), the clips in
OUT/clips: what the listening test takes. A run that was stopped goes on: what was made is kept in
the cache, for other evaluations too.
"""

import argparse
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import TrainingError, one_message

if TYPE_CHECKING:
    from .evaluation.options import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0 even where metrics could not run."""
    given = _parser().parse_args(arguments)
    level = logging.INFO if given.verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    if not given.verbose:
        warnings.simplefilter("ignore", FutureWarning)  # of libraries, to their own makers
    try:
        with one_message():
            from .evaluation import running
            from .evaluation.reports import report, terminal

            options = _options(given)
            with terminal.progress() as progress:
                evaluation = running.evaluate(given.subjects, options, progress)
            report.show(evaluation, running.folder(given.subjects, options))
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the same command goes on from here\n")
        return 130
    return 0


def _options(given: argparse.Namespace) -> "Options":
    from .evaluation.options import Options

    if not given.data.is_dir():
        raise TrainingError(f"--data {given.data}: there is no such folder")
    chosen = {
        name: value
        for name, value in vars(given).items()
        if name not in {"subjects", "verbose"} and value is not None
    }
    for name in ("metrics", "embeddings"):
        if name in chosen:
            chosen[name] = tuple(filter(None, map(str.strip, chosen[name].split(","))))
    return Options(**chosen)


def _parser() -> argparse.ArgumentParser:
    from .evaluation.measuring import EMBEDDINGS, GROUPS
    from .evaluation.options import CACHE, LIMIT, ROOT

    width = max(map(len, GROUPS))
    metrics = "\n".join(f"  {name:<{width}}  {about}" for name, about in GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.evaluate",
        description=(__doc__ or "").replace("{metrics}", metrics),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=None,
    )
    add = parser.add_argument
    add("subjects", nargs="+", metavar="A", help="experiment, folder, or name on the Hub")
    add("--data", type=Path, required=True, metavar="DIR", help="the dataset")
    add("--out", type=Path, metavar="DIR", help=f"where to (default: {ROOT}/A-vs-B)")
    add("--cache", type=Path, metavar="DIR", help=f"keeps what is computed (default: {CACHE})")
    add("--reference", type=Path, metavar="DIR", help="other music to measure FAD against too")
    add(
        "--baseline", metavar="base|none|A",
        help="what others are compared to: the base they were trained from, nothing, or a model "
        "(default: base)",
    )  # fmt: skip
    add("--base", metavar="MODEL", help="base of adapters and experiments, if it was moved")
    add("--metrics", metavar="NAMES", help="some of those above, between commas (default: all)")
    add(
        "--embeddings", metavar="NAMES",
        help=f"what FAD is measured with (default: {','.join(EMBEDDINGS)})",
    )  # fmt: skip
    add("--limit", type=int, metavar="N", help=f"prompts to draw; 0: all (default: {LIMIT})")
    add(
        "--training", type=int, metavar="N",
        help="training clips to look at for copies; 0: all (default: 0)",
    )  # fmt: skip
    _add_making(parser.add_argument_group("how clips are made").add_argument)
    add = parser.add_argument_group("weights").add_argument
    add("--models", type=Path, metavar="DIR", help="the models folder of curate")
    add("--clap", metavar="MODEL", help="CLAP, by folder or name on the Hub")
    add("--muq", metavar="MODEL", help="MuQ-MuLan, likewise")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    return parser


def _add_making(add: Callable[..., Any]) -> None:
    """Options of generation."""
    add("--seconds", type=float, help="of a clip (default: 10, at most as test clips are)")
    add("--seed", type=int, help="another gives other clips and prompts (default: 0)")
    add("--cfg", type=float, help="how closely the text is followed (default: 3)")
    add("--temperature", type=float, help="lower is more careful (default: 1)")
    add("--top-k", type=int, help="draw among so many likeliest codes; 0: all (default: 250)")
    add("--batch", type=int, metavar="N", help="clips at once (default: 8 on a GPU, else 2)")
    add("--device", help="auto, cuda or cpu (default: auto)")
    add("--precision", choices=("fp32", "fp16", "bf16"), help="default: fp32")


if __name__ == "__main__":
    sys.exit(main())
