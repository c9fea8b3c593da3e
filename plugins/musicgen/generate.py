"""Makes music from texts, by a trained model or any other.

    python -m plugins.musicgen.generate MODEL "a calm piano" "fast drums and bass"
    python -m plugins.musicgen.generate MODEL --prompts FILE --out DIR
    python -m plugins.musicgen.generate MODEL --prompts FILE --compare

MODEL is the signature of an experiment (its best weights), which `dora run` prints and its folder
in outputs/xps has for a name; a folder that the export command wrote; any base model by folder or
by its name on the Hub; or a folder with an adapter. FILE has a prompt a line, as plain text or as
{"id": "1", "prompt": "a slow waltz"} in a .jsonl file.

DIR gets <id>.wav for each prompt and prompts.jsonl: what the listening test and evaluation read. A
clip that is there and was made in the same way is kept, so a run that was stopped goes on. A clip
depends on model, text, seed and settings, not on the batch; a prompt that is given twice gives two.

--compare makes every clip twice, by MODEL and by what it was trained from, into DIR/tuned and
DIR/base, and a page DIR/index.html to hear them side by side. Hearing them without knowing which is
which: python -m plugins.musicgen.listen DIR/base DIR/tuned
"""

import argparse
import contextlib
import html
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .errors import TrainingError, one_message
from .generation import generating
from .generation.generating import Made, Settings
from .generation.prompts import named, read
from .listening.pairs import Prompt

ROOT = Path("outputs/generated")
"""Where clips go that nobody chose a folder for."""

BASE, TUNED = "base", "tuned"

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark }}
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto }}
  section {{ margin: 2rem 0 }}
  .clips {{ display: flex; flex-wrap: wrap; gap: 1rem }}
  figure {{ margin: 0; flex: 1 1 18rem }}
  audio {{ width: 100% }}
</style>
<h1>{title}</h1>
<p>{about}</p>
{sections}
</html>
"""

SECTION = """\
<section>
<p>{prompt}</p>
<div class="clips">
{players}
</div>
</section>"""

PLAYER = """\
<figure><figcaption>{name}</figcaption>
<audio controls preload="none" src="{file}"></audio></figure>"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        with one_message():
            prompts = _prompts(given)
            settings = Settings(
                given.seconds, given.cfg, given.temperature, given.top_k, given.seed
            )
            folder = given.out or ROOT / _title(given)
            if given.compare:
                _compare(given, prompts, folder, settings)
            else:
                _fill(_open(given), given, prompts, folder, settings)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the same command goes on from here\n")
        return 130
    return 0


def _prompts(given: argparse.Namespace) -> list[Prompt]:
    if given.prompts and given.prompt:
        raise TrainingError("prompts on the command line and --prompts: give one of both")
    if given.prompts:
        return read(given.prompts)
    if not given.prompt:
        raise TrainingError('what shall it be? give prompts, as "a calm piano", or --prompts FILE')
    return named(given.prompt)


def _title(given: argparse.Namespace) -> str:
    return Path(given.adapter or given.model).expanduser().absolute().name


def _open(given: argparse.Namespace) -> generating.Model:
    return generating.open_model(
        given.model,
        adapter=given.adapter,
        base=given.base,
        device=given.device,
        precision=given.precision,
    )


def _fill(
    model: generating.Model,
    given: argparse.Namespace,
    prompts: Sequence[Prompt],
    folder: Path,
    settings: Settings,
) -> Made:
    begun_s = time.monotonic()
    batch = given.batch or (8 if _on_gpu(model) else 2)
    with _telling(f"{folder.name}", len(prompts) * settings.seconds) as tell:
        made = generating.generate_set(
            model, prompts, folder, settings, batch=batch, kind=given.format, tell=tell
        )
    took_s = time.monotonic() - begun_s
    kept = f", {made.kept} were there" if made.kept else ""
    speed = f" in {took_s:.0f} s" if made.new else ""
    _say(f"{made.folder}: {made.new} clips of {settings.seconds:g} s made{speed}{kept}")
    return made


def _compare(
    given: argparse.Namespace, prompts: Sequence[Prompt], folder: Path, settings: Settings
) -> None:
    tuned = _open(given)
    name = given.base or (given.model if given.adapter else generating.base_of(tuned))
    titles = {BASE: name, TUNED: tuned.name}
    _fill(tuned, given, prompts, folder / TUNED, settings)
    del tuned  # two large models may be one too many
    base = generating.open_model(name, device=given.device, precision=given.precision)
    _fill(base, given, prompts, folder / BASE, settings)
    page = _page(folder, prompts, titles, settings, given.format)
    from curate import jsonio

    jsonio.write_atomically(folder / "index.html", page.encode())
    _say(f"hear them side by side: {folder / 'index.html'}")
    _say(f"or blind: python -m plugins.musicgen.listen {folder / BASE} {folder / TUNED}")


def _page(
    folder: Path,
    prompts: Sequence[Prompt],
    titles: dict[str, str],
    settings: Settings,
    suffix: str,
) -> str:
    """A page with a player for each clip; it needs nothing but the files beside it."""
    sections = []
    for prompt in prompts:
        players = [
            PLAYER.format(
                name=html.escape(f"{which}: {title}"),
                file=f"{which}/{urllib.parse.quote(prompt.id)}.{suffix}",
            )
            for which, title in titles.items()
        ]
        said = html.escape(prompt.prompt)
        sections.append(SECTION.format(prompt=said, players="\n".join(players)))
    about = (
        f"{settings.seconds:g} s each, seed {settings.seed}, guidance {settings.cfg:g}, "
        f"temperature {settings.temperature:g}, top {settings.top_k}."
    )
    title = html.escape(f"{Path(titles[TUNED]).name} beside {Path(titles[BASE]).name}")
    return PAGE.format(title=title, about=about, sections="\n".join(sections))


def _on_gpu(model: generating.Model) -> bool:
    return next(model.lm.parameters()).is_cuda


@contextlib.contextmanager
def _telling(what: str, total_s: float) -> Iterator[Callable[[float], None]]:
    """A bar over seconds of sound on a terminal, silence elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    shown = TextColumn("{task.completed:.0f} of {task.total:.0f} s")
    columns = (TextColumn("{task.description}"), BarColumn(), shown, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total_s)
        yield lambda seconds: bar.advance(task, seconds)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.generate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="experiment, or folder, or name on the Hub")
    add("prompt", nargs="*", metavar="PROMPT", help="what the music is to be")
    add("--prompts", type=Path, metavar="FILE", help="a prompt a line: .jsonl, or plain text")
    add("--adapter", metavar="DIR", help="an adapter to put on MODEL")
    add("--base", metavar="MODEL", help="base of the adapter, if moved; what --compare compares to")
    add("--compare", action="store_true", help="make the clips of the base too, and a page")
    add("--out", type=Path, metavar="DIR", help=f"where to (default: {ROOT}/MODEL)")
    add("--format", choices=("wav", "flac"), default="wav", help="default: %(default)s")
    own = Settings()
    group = parser.add_argument_group("how")
    add = group.add_argument
    add("--seconds", type=float, default=own.seconds, help="of a clip (default: %(default)g)")
    add(
        "--cfg", type=float, default=own.cfg,
        help="how closely the text is followed; 1 takes half the time (default: %(default)g)",
    )  # fmt: skip
    add(
        "--temperature", type=float, default=own.temperature,
        help="lower is more careful; 0 leaves nothing to chance (default: %(default)g)",
    )  # fmt: skip
    add(
        "--top-k", type=int, default=own.top_k,
        help="draw among so many likeliest codes; 0: all (default: %(default)s)",
    )  # fmt: skip
    add("--seed", type=int, default=own.seed, help="another gives other clips (default: 0)")
    add("--batch", type=int, metavar="N", help="clips at once (default: 8 on a GPU, else 2)")
    add("--device", default="auto", help="auto, cuda or cpu (default: %(default)s)")
    add(
        "--precision", choices=generating.PRECISIONS, default="fp32",
        help="fp16 needs half the memory; clips then depend a little on the batch "
        "(default: %(default)s)",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
