"""The `curate` command: its options and its exit codes. What its verbs do is in `curate.command`.

Exit codes: 0 done and valid; 1 the data falls short; 2 the command or configuration is wrong;
130 interrupted.
"""

import argparse
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from curate.command import verbs
from curate.command.verbs import DONE, INTERRUPTED, WRONG
from curate.errors import CurateError

_ABOUT = """\
Turns a list of artists into a validated text-to-music dataset in audiocraft's own format.

  curate build --artists datasets/demo/artists.yaml   makes datasets/demo/build
  curate validate datasets/demo/build                 checks it, and what audiocraft will see of it
  curate status datasets/demo/build                   what is in it and what was left out
  curate labels datasets/demo/build                   how its genres, keys, tempos ... are spread
  curate captions datasets/demo/build --show 5        captions beside what they may say
  curate models fetch                                 models that label genre, mood, instrument
"""

_BUILD = """\
Builds the dataset that artists.yaml describes, or brings it up to date: only what is new or changed
is worked on, and a build that was stopped goes on where it was.

A minimal artists.yaml:

  name: jpop                    # small letters, digits, hyphens
  rights: private research      # on what ground this audio is used
  artists:
    - name: YOASOBI
      files: ["~/music/yoasobi/**/*.flac"]   # globs, folders, files, m3u playlists

Everything else has a default: chunk {seconds, tail, sample_rate, channels, format}, split {by,
valid, test, seed}, limits {track, chunk}, labels (signal; all adds genre, mood, instrument and more
by models), captions {style, language, variants, seed, llm}, dedupe; schemas/README.md explains.
"""

_VALIDATE = """\
Checks a built dataset, any folder of audiocraft manifests (data.jsonl and sidecars), or an
artists.yaml. Finds what a schema cannot: audio that is missing or not as its manifest says, songs
on both sides of the split, text that audiocraft would silently drop.
"""

_MODELS = """\
Genre, mood, instrument and more are labelled by Essentia's models, which are downloaded once:

  curate models fetch                  all that are missing, about 30 MB
  curate models fetch genre mood       what these labels need
  curate models fetch htdemucs         what `vocals: separate` needs, 84 MB (MIT)
  curate models list                   what is here, under which licence, whom to cite

They are for non-commercial use (CC BY-NC-SA 4.0). All lie in the folder given by --models or by
CURATE_MODELS, else in ~/.cache/musicgen-curate/models; files may be copied there by hand.
CURATE_MODELS_URL names a mirror to fetch from, a plain address without a password.
"""

_LABELS = """\
Shows how the labels of a dataset are spread: genre, mood, instrument, vocals, key, tempo, year,
loudness, captions, by split and by artist, who said what, and how far the splits lie apart. Writes
the same as a page of plots into DIR/labels.svg. Works on any folder of audiocraft manifests.
"""

_CAPTIONS = """\
Writes the captions of a built dataset anew, from the facts that its sidecars hold; no audio is
touched, and words of people and of sources stay. Options that are not given are as they were.

  curate captions DIR --show 10                     labels beside captions, to judge by
  curate captions DIR --style full --variants 3     by templates: tags, short, full, mixed
  curate captions DIR --llm gpt-5-mini --estimate   requests, tokens, price; nothing is sent
  curate captions DIR --llm gpt-5-mini --budget 2   by a language model, key in OPENAI_API_KEY
  curate captions DIR --llm qwen3:8b --base-url http://127.0.0.1:11434/v1    by one of your own
  curate captions DIR --template                    by templates again

With --llm, --style names its prompt: natural, musiccaps, prompt, or a file. A key for --base-url
is read from CURATE_LLM_API_KEY. Answers are kept and not paid for twice, unless two builds ask at
once and one with --batch.
The next `curate build` writes what artists.yaml says: put what you like under `captions:` there.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns its exit code."""
    _mend_streams()
    parsed = _parser().parse_args(arguments)
    level = logging.DEBUG if parsed.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        code = run(parsed)
        sys.stdout.flush()  # where it fails, it should fail here
        return code
    except CurateError as error:
        print(f"curate: {error}", file=sys.stderr)
        return WRONG
    except BrokenPipeError:  # `curate ... | head`
        _let_go_of_stdout()
        return DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"curate: {where}{error.strerror or error}", file=sys.stderr)
        _let_go_of_stdout()
        return WRONG
    except KeyboardInterrupt:
        print("\ncurate: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def _let_go_of_stdout() -> None:
    """What cannot be written any more is dropped, or Python would try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _mend_streams() -> None:
    """Closed streams swallow what is said; a narrow encoding escapes what it lacks.

    Closed descriptors are filled, or the next file would get one, and what a library prints.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("curate", description=_ABOUT, formatter_class=raw)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what happens in detail")
    parser.add_argument("--version", action=_Version, help="show the version and end")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    _add_build(commands)
    _add_validate(commands)
    _add_status(commands)
    _add_models(commands)
    _add_labels(commands)
    _add_captions(commands)
    _add_others(commands)
    return parser


def _add_build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    raw = argparse.RawDescriptionHelpFormatter
    build = commands.add_parser(
        "build", help="make a dataset, or bring it up to date", description=_BUILD,
        formatter_class=raw,
    )  # fmt: skip
    build.add_argument("--artists", required=True, type=Path, metavar="FILE", help="artists.yaml")
    build.add_argument("--out", type=Path, metavar="DIR", help="default: build/ beside FILE")
    build.add_argument("--jobs", type=_positive, metavar="N", help="processes; default: processors")
    build.add_argument("--limit", type=_positive, metavar="N", help="only the first N tracks")
    build.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    build.add_argument(
        "--offline", action="store_true", help="never touch the network: what is here is used"
    )
    build.add_argument(
        "--keep-downloads", action=argparse.BooleanOptionalAction, default=True,
        help="keep files fetched for this dataset in the cache, for others too (default: keep)",
    )  # fmt: skip
    build.add_argument(
        "--without-source", action="append", default=[], metavar="NAME",
        help="leave out everything that this source says; spotify: and delete it everywhere",
    )  # fmt: skip
    build.add_argument("--retry", action="store_true", help="try again what failed for good")
    build.add_argument("--models", type=Path, metavar="DIR", help="folder of model files")
    build.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS",
        help="longest work on one track before it is given up (default: 900, more with "
        "`vocals: separate`)",
    )  # fmt: skip
    build.set_defaults(run=verbs.build)


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    raw = argparse.RawDescriptionHelpFormatter
    check = commands.add_parser(
        "validate", help="check a dataset or an artists.yaml", description=_VALIDATE,
        formatter_class=raw,
    )  # fmt: skip
    check.add_argument("paths", nargs="+", type=Path, metavar="DIR", help="or an artists.yaml")
    check.add_argument("--deep", action="store_true", help="decode all audio as well")
    check.add_argument("--json", action="store_true", help="findings as JSON")
    check.set_defaults(run=verbs.validate)


def _add_status(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    status = commands.add_parser("status", help="what a dataset holds and what was left out")
    status.add_argument("folder", type=Path, metavar="DIR")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(run=verbs.status)


def _add_labels(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    raw = argparse.RawDescriptionHelpFormatter
    labels = commands.add_parser(
        "labels", help="how genres, keys, tempos ... are spread", description=_LABELS,
        formatter_class=raw,
    )  # fmt: skip
    labels.add_argument("folder", type=Path, metavar="DIR")
    labels.add_argument(
        "--by", choices=("split", "artist", "none"), default="split",
        help="what each table shows beside the whole (default: %(default)s)",
    )  # fmt: skip
    labels.add_argument(
        "--top", type=_positive, default=10, metavar="N",
        help="values a table lists (default: %(default)s)",
    )  # fmt: skip
    labels.add_argument("--deep", action="store_true", help="read every sidecar, not a sample")
    labels.add_argument("--json", action="store_true", help="all numbers as JSON; no page")
    page = labels.add_mutually_exclusive_group()
    page.add_argument(
        "--plot", type=_picture, metavar="FILE", help="page, .svg or .png (default: DIR/labels.svg)"
    )
    page.add_argument("--no-plot", action="store_true", help="write no page")
    labels.set_defaults(run=verbs.labels)


def _add_others(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    moved = commands.add_parser("relocate", help="mend the paths of a dataset that was moved")
    moved.add_argument("folder", type=Path, metavar="DIR")
    moved.set_defaults(run=verbs.relocate)

    doctor = commands.add_parser(
        "doctor", help="check tools, versions and settings of this machine"
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(run=verbs.doctor)


def _add_models(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    raw = argparse.RawDescriptionHelpFormatter
    models = commands.add_parser(
        "models", help="list or fetch the models that label audio", description=_MODELS,
        formatter_class=raw,
    )  # fmt: skip
    actions = models.add_subparsers(required=True, metavar="ACTION", title="actions")
    listed = actions.add_parser("list", help="what is here, what is missing, sizes, licences")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(run=verbs.models_list)

    fetched = actions.add_parser("fetch", help="download what is missing or broken")
    fetched.add_argument("names", nargs="*", metavar="NAME", help="label or model; default: all")
    fetched.add_argument(
        "--backend", choices=["pb", "onnx", "both"],
        help="which files; default: what is missing, onnx where onnxruntime is installed",
    )  # fmt: skip
    fetched.add_argument(
        "--onnx", dest="backend", action="store_const", const="onnx", help="as --backend onnx"
    )
    fetched.add_argument(
        "--offline", action="store_true", help="download nothing, only say what is missing"
    )
    fetched.set_defaults(run=verbs.models_fetch)

    accepted = actions.add_parser(
        "accept", help="take files that are not the official ones for right"
    )
    accepted.add_argument("names", nargs="+", metavar="NAME", help="label or model")
    accepted.set_defaults(run=verbs.models_accept)
    for action in (listed, fetched, accepted):
        action.add_argument("--models", type=Path, metavar="DIR", help="folder of model files")


def _add_captions(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    raw = argparse.RawDescriptionHelpFormatter
    captions = commands.add_parser(
        "captions", help="write captions anew, by templates or a language model",
        description=_CAPTIONS, formatter_class=raw,
    )  # fmt: skip
    captions.add_argument("folder", type=Path, metavar="DIR")
    instead = captions.add_mutually_exclusive_group()
    instead.add_argument("--show", type=_positive, metavar="N", help="show N clips, write nothing")
    instead.add_argument("--estimate", action="store_true", help="say what it costs, send nothing")
    captions.add_argument("--style", help="of the wording; of the prompt with a language model")
    captions.add_argument("--language", metavar="CODE", help="en, ja")
    captions.add_argument("--variants", type=_positive, metavar="N", help="captions a clip")
    captions.add_argument("--seed", type=int, metavar="N", help="another wording of the same facts")
    writer = captions.add_mutually_exclusive_group()
    writer.add_argument("--llm", dest="model", metavar="MODEL", help="by this language model")
    writer.add_argument("--template", action="store_true", help="by templates, without a model")
    captions.add_argument("--base-url", metavar="URL", help="another server than OpenAI's")
    captions.add_argument(
        "--budget", dest="budget_usd", type=_amount, metavar="USD", help="most to spend"
    )
    captions.add_argument(
        "--price", type=_amount, nargs=2, metavar=("IN", "OUT"), help="USD per million tokens"
    )
    captions.add_argument("--concurrency", type=_positive, metavar="N", help="requests at a time")
    captions.add_argument(
        "--batch", action=argparse.BooleanOptionalAction, default=None,
        help="by the Batch API: half the price, within a day",
    )  # fmt: skip
    captions.add_argument(
        "--on-failure", choices=("template", "stop"), help="where the server fails for good"
    )
    captions.set_defaults(run=verbs.captions)


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number, at least 1")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be a number of seconds above 0")
    return value


def _amount(text: str) -> float:
    value = _number(text)
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be a number of USD, at least 0")
    return value


def _number(text: str) -> float:
    """NaN, which is neither above nor below anything, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in {".svg", ".png"}:
        raise argparse.ArgumentTypeError(f"{text}: must end in .svg or .png")
    return path


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"curate {version('musicgen-curate')}")
        except PackageNotFoundError:
            print("curate, not installed")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
