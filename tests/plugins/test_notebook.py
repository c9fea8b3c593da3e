"""The notebook runs from top to bottom, with a tiny model in place of the published one."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "plugins" / "musicgen" / "t4_colab.ipynb"

RECIPE = """\
name: tones
rights: made by a test
chunk: {seconds: 5}
split: {valid: 0.25, test: 0.25}
artists:
  - {name: A, files: [music/a]}
  - {name: B, files: [music/b]}
"""

PARAMETERS = """\
ARTISTS = "artists.yaml"
BASE = "base"
TRAINING = "adapter=lora adapter.rank=2 optim.epochs=1 optim.updates_per_epoch=2 device=cpu" \\
    " dataset.num_workers=0 dataset.segment_duration=1 generate.lm.gen_duration=0.5"
EVALUATION = "--metrics likelihood --limit 1"
PROMPTS = ["a low tone", "hissing <noise>"]
SECONDS = 0.5
DRIVE = "drive/My Drive/music"
"""

RUNNER = """\
import atexit, os, runpy, shlex, subprocess, sys, traceback

import plugins.musicgen.training.solver

def _shell(line):
    line = line.format_map(globals())
    program, *arguments = shlex.split(line)
    if program == ".venv/bin/curate":
        return subprocess.run(line, shell=True, check=True)
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _program(program, arguments)
    assert os.waitpid(child, 0)[1] == 0, line

def _program(program, arguments):
    code = 0
    try:
        if program == ".venv/bin/python":
            sys.path[0] = os.getcwd()
            flag, module, *rest = arguments
            assert flag == "-m"
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            sys.argv = [program, *arguments]
            runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""
"""What IPython does for lines that begin with `!`; but programs that train or listen are forked
from a process that has imported torch and audiocraft, which takes longer than all they do."""

DISPLAY = """\
class _Shown:
    def __init__(self, what):
        self.what = what

class Audio(_Shown): pass
class Image(_Shown): pass
class Markdown(_Shown): pass

def display(*shown):
    for one in shown:
        print("shown", type(one).__name__, one.what)
"""
"""In place of IPython, which Colab has and the tests lack: says what it would show."""

COLAB = """\
def mount(place):
    print("mounted", place)
"""
"""In place of google.colab's drive."""


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return found


def tag(cell: dict[str, Any]) -> str:
    return next(iter(cell["metadata"].get("tags", ())), "")


def program() -> str:
    """The code cells as plain Python, without those that need a network."""
    lines: list[str] = []
    for cell in cells():
        if cell["cell_type"] != "code" or tag(cell) in {"install", "demo", "weights"}:
            continue
        text = PARAMETERS if tag(cell) == "parameters" else "".join(cell["source"])
        lines += [
            f"_shell({line[1:]!r})" if line.startswith("!") else line
            for line in text.replace("\\\n", " ").splitlines()
        ]
    return RUNNER + "\n".join(lines) + "\n"


def write_music(folder: Path) -> None:
    """Songs of 10 s: notes that each song has for itself."""
    for number in range(4):
        rng = np.random.default_rng(number)
        time = np.arange(5 * 44100 // 10) / 44100
        notes = [
            np.sin(2 * np.pi * 110 * 2 ** (step / 12) * time) * np.exp(-3 * time)
            for step in rng.integers(0, 36, 20)
        ]
        song = 0.5 * np.concatenate(notes) + 0.01 * rng.standard_normal(20 * len(time))
        path = folder / "ab"[number % 2] / f"song{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, song.astype(np.float32), 44100)


@pytest.mark.integration
def test_it_runs_from_top_to_bottom(tiny_base: Path, tmp_path: Path) -> None:
    work = tmp_path / "musicgen-curate"
    work.mkdir()
    for name, target in (("plugins", ROOT / "plugins"), (".venv", Path(sys.prefix))):
        (work / name).symlink_to(target)
    (work / "base").symlink_to(tiny_base)
    (work / "artists.yaml").write_text(RECIPE)
    write_music(work / "music")
    for name, content in (("IPython/display.py", DISPLAY), ("google/colab/drive.py", COLAB)):
        path = tmp_path / "outside" / name
        path.parent.mkdir(parents=True)
        (path.parent / "__init__.py").touch()
        path.write_text(content)
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    own |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{tmp_path / 'outside'}:{ROOT}"}
    kept = {k: v for k, v in os.environ.items() if k != "AUDIOCRAFT_DORA_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program()],
        cwd=work / "music",  # anywhere in the clone
        env=kept | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    shown = [line.split(" ", 2)[1:] for line in done.stdout.splitlines() if line[:6] == "shown "]
    assert [kind for kind, _ in shown] == ["Image", *["Markdown", *["Markdown", "Audio"] * 2] * 2]
    for kind, what in shown:
        assert kind == "Markdown" or (work / what).stat().st_size > 1000, what
    assert ["Markdown", "**hissing <noise>**"] in shown
    assert "mounted /content/drive" in done.stdout
    kept = work / "drive" / "My Drive" / "music"  # all that is worth keeping is there
    for name in ("heard/index.html", "evaluation/index.html", "adapter/adapter_model.safetensors"):
        assert (kept / name).is_file(), name
    assert len(list((kept / "xps").iterdir())) == 1
    said = json.loads((kept / "evaluation" / "evaluation.json").read_text())
    assert {(row["metric"], row["state"]) for row in said["results"]} == {("likelihood", "ok")}
    assert len(said["subjects"]) == 3  # the model, its base, and real clips


def test_each_code_cell_is_explained_in_one_line() -> None:
    every = cells()
    for before, cell in itertools.pairwise(every):
        if cell["cell_type"] == "code":
            assert before["cell_type"] == "markdown"
            assert len(before["source"]) == 1
            assert cell["outputs"] == []


def test_it_installs_the_locked_versions() -> None:
    """As `make test` does."""
    install = next(cell for cell in cells() if tag(cell) == "install")
    said = "".join(install["source"])
    for flag in ("--require-hashes -r requirements.lock", "--no-deps --no-build-isolation -e ."):
        assert flag in said
    assert "--no-deps --require-hashes --no-build-isolation -r requirements-all.lock" in said
    assert (ROOT / "requirements.lock").is_file()
    assert (ROOT / "requirements-all.lock").is_file()


def found(cwd: Path, **own: str) -> subprocess.CompletedProcess[str]:
    """What the cell that looks for the repository does in a folder."""
    cell = next(cell for cell in cells() if tag(cell) == "repository")
    kept = {name: value for name, value in os.environ.items() if name != "MUSICGEN_CURATE"}
    return subprocess.run(
        [sys.executable, "-c", "".join(cell["source"]) + "\nprint(os.getcwd())"],
        cwd=cwd,
        env=kept | own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_repository_is_found_or_asked_for(tmp_path: Path) -> None:
    """In a clone, beside one, by the environment; else one line says what to write where."""
    asked = found(tmp_path)
    assert asked.returncode == 1
    assert asked.stderr.splitlines()[-1].endswith("write its address into this cell")
    origin = tmp_path / "origin"
    (origin / "plugins" / "musicgen").mkdir(parents=True)
    (origin / "plugins" / "musicgen" / "train.py").touch()
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    assert found(origin / "plugins").stdout.strip() == str(origin)
    clone = tmp_path / "work" / "musicgen-curate"
    clone.parent.mkdir()
    for _ in range(2):  # the second time it is there
        done = found(clone.parent, MUSICGEN_CURATE=str(origin))
        assert (done.returncode, done.stdout.strip()) == (0, str(clone)), done.stderr


def test_no_address_has_to_be_replaced_elsewhere() -> None:
    whole = NOTEBOOK.read_text("utf-8")
    assert "OWNER" not in whole
    assert whole.count("https://github.com/YOU/") == 1
