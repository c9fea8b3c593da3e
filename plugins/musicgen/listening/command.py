"""The command line of the listening test."""

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from curate import jsonio

from ..errors import one_message
from . import pairs, preparing, report, results
from .desk import Desk, read_box
from .pairs import ListeningError
from .preparing import Trial

if TYPE_CHECKING:
    from .server import Server

ROOT = Path("listening")
"""Where tests live, below the folder the command is given in."""

PORT = 8321

_ABOUT = """\
Which of two sets of clips do people prefer, without knowing which is which?

  python -m plugins.musicgen.listen A B --data DIR     serve a blind test of 10 pairs of 15 s
  python -m plugins.musicgen.listen --results          what the votes say

A and B are folders with <id>.wav or <id>.flac, a clip a prompt, and prompts.jsonl with lines like
{"id": "1", "prompt": "a slow waltz"}. Prompts that they lack come from DIR: from its prompts.jsonl,
else from the test clips of a dataset. They may be models too, as the evaluate command takes them:
an experiment's signature, a folder with an adapter or a model, a name on the Hub. Those make their
clips first: of the other one's prompts, else of descriptions in the test split of the dataset DIR.
Both clips of a pair are heard from their start, equally long and equally loud, in an order of
chance for every listener and pair.

A listener is remembered by the browser, and by the end of the address: ?listener=NAME.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves a test, or tells its results. Returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    level = logging.DEBUG if given.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    if given.json and not given.results:
        parser.error("--json goes with --results")
    if (given.a is None) != (given.b is None) or (given.a is None and not given.results):
        parser.error("name two sets: A and B")
    try:
        with one_message():
            return _results(given) if given.results else _serve(given)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the same command goes on from here\n")
        return 130


def _results(given: argparse.Namespace) -> int:
    folders = [_folder(given)] if given.out or given.a else _tests()
    told = []
    for folder in folders:
        trial = preparing.load(folder)
        told.append(results.summary(trial, read_box(trial, folder)))
    if given.json:
        sys.stdout.write(jsonio.pretty(told if len(told) > 1 else told[0]).decode())
        return 0
    for folder, summary in zip(folders, told, strict=True):
        report.show(summary, folder)
    return 0


def _tests() -> list[Path]:
    found = sorted(path.parent for path in ROOT.glob(f"*/{preparing.TEST}"))
    if not found:
        raise ListeningError(
            f"{ROOT}/: no listening test here; make one by python -m plugins.musicgen.listen A B "
            "--data DIR, or name its folder by --out"
        )
    return found


def _serve(given: argparse.Namespace) -> int:
    from .server import Server

    trial, folder, told = _prepare(given)
    desk = Desk(trial, folder)
    with (
        contextlib.closing(_Stopped()),
        contextlib.suppress(KeyboardInterrupt),
        Server(desk, given.host, given.port) as server,
    ):
        _welcome(server, told)
        server.serve_forever()
    box = read_box(trial, folder)
    _say(f"\nstopped; {len(box.votes)} votes by {len({v.listener for v in box.votes})} listeners")
    _say(f"  python -m plugins.musicgen.listen --results --out {folder}")
    return 0


class _Stopped:
    """While open, being told to end is the same as Ctrl-C."""

    def __init__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def close(self) -> None:
        signal.signal(signal.SIGTERM, self._before)


def _prepare(given: argparse.Namespace) -> tuple[Trial, Path, list[str]]:
    """The test, its folder, and what there is to say of it."""
    a, b = _sets(given)
    every = pairs.find(a, b, given.data)
    chosen = pairs.choose(every, given.prompts, given.seed)
    folder = _folder(given)
    trial = preparing.prepare(chosen, _names(given), folder, given.seconds, given.genre.strip())
    told = [f"{trial.a} against {trial.b}: {len(chosen)} pairs of {trial.seconds:g} s in {folder}"]
    if len(chosen) < given.prompts:
        told.append(f"note: only {len(chosen)} prompts there, {given.prompts} asked for")
    elif len(chosen) < len(every):
        told.append(f"{len(chosen)} of {len(every)} prompts drawn with seed {given.seed}")
    told += [f"note: {note}" for note in preparing.notes(trial, chosen)]
    return trial, folder, told


def _welcome(server: "Server", told: list[str]) -> None:
    for line in told:
        _say(line)
    if server.open:
        _say(
            "warning: open to everybody who can reach this machine and has the address; it is not "
            "encrypted. Give it only to those who are to listen."
        )
    for address in server.addresses():
        _say(f"  {address}")
    _say("Ctrl-C ends it; the same command goes on.")


def _folder(given: argparse.Namespace) -> Path:
    if given.out:
        return Path(given.out)
    a, b = _names(given)
    return ROOT / f"{a}-vs-{b}".replace("/", "-")


def _sets(given: argparse.Namespace) -> tuple[Path, Path]:
    """The folders of A and B; models make theirs, or what of it is not there yet."""
    if not _models(given):
        return Path(given.a), Path(given.b)
    from ..evaluation import making, options
    from ..evaluation.reports.terminal import progress

    if given.data is None:
        raise ListeningError("models make clips of the prompts of a dataset: name it by --data DIR")
    chosen = options.Options(
        given.data, base=given.base, seconds=given.seconds, seed=given.seed, device=given.device
    )
    with progress() as bars:
        a, b = making.sets((given.a, given.b), chosen, given.prompts, bars)
    return a, b


def _models(given: argparse.Namespace) -> bool:
    """Whether A or B is anything but a folder of clips."""
    from ..evaluation.subjects import is_model

    return any(is_model(one) for one in (given.a, given.b))


def _names(given: argparse.Namespace) -> tuple[str, str]:
    if not _models(given):
        return names(Path(given.a), Path(given.b))
    from ..evaluation.subjects import titles

    a, b = titles((given.a, given.b))
    return a, b


def names(a: Path, b: Path) -> tuple[str, str]:
    """The sets' names: so much of the ends of their paths as tells them apart."""
    one, other = a.resolve().parts, b.resolve().parts
    for length in range(1, max(len(one), len(other)) + 1):
        found = "/".join(one[-length:]), "/".join(other[-length:])
        if found[0] != found[1]:
            return found
    return f"{a.name} (A)", f"{b.name} (B)"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m plugins.musicgen.listen",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", nargs="?", metavar="A", help="folder of a set, or a model")
    parser.add_argument("b", nargs="?", metavar="B", help="the other set, or a model")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the prompts come from")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the test (default: listening/A-vs-B)"
    )
    parser.add_argument(
        "--prompts", type=_count, default=preparing.COUNT, metavar="N",
        help="how many pairs, drawn from all (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=_seconds, default=preparing.SECONDS, metavar="S",
        help="how much of each clip is heard (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    parser.add_argument(
        "--genre", default="", metavar="NAME", help='asked for as "more like NAME", such as J-pop'
    )
    parser.add_argument(
        "--host", default="127.0.0.1",
        help="address to serve at; 0.0.0.0 opens it to the network (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=_port, default=PORT, help="0 takes any free one (default: %(default)s)"
    )
    parser.add_argument("--base", metavar="MODEL", help="base of models A and B, if it was moved")
    parser.add_argument(
        "--device", default="auto", help="where models make clips: auto, cuda, cpu (default: auto)"
    )
    parser.add_argument("--results", action="store_true", help="tell what the votes say, and end")
    parser.add_argument("--json", action="store_true", help="the results as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every request")
    return parser


def _count(text: str) -> int:
    return int(_number(text, 1, 1000, "pairs"))


def _seconds(text: str) -> float:
    return _number(text, 0.5, 600, "seconds")


def _port(text: str) -> int:
    return int(_number(text, 0, 65535, "as a port"))


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: expected {least:g} to {most:g} {what}")
    return value
