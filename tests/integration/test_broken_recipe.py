"""Whatever an artists.yaml holds, `curate build` ends in time with exit code 2 and a place."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import rig

pytestmark = pytest.mark.integration

GOOD = "name: a\nrights: r\nartists:\n  - name: A\n    files: [x.flac]\n"


def bomb() -> str:
    """Eleven layers, each nine times the one before."""
    rows = ["a0: &a0 [x]"]
    rows += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return "\n".join(rows) + "\n"


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "empty"),
    "comment only": ("# nothing\n", "empty"),
    "no mapping": ("hello\n", "expected object"),
    "list": ("[1]\n", "expected object"),
    "null": ("null\n", "expected object"),
    "two documents": (GOOD + "---\n" + GOOD, "another document"),
    "not closed": ("name: [a\n", "not valid YAML"),
    "tab": ("name: a\n\trights: r\n", "tab"),
    "null byte": (GOOD + "\0", "not valid YAML"),
    "latin-1": ("name: caf\u00e9\n".encode("latin-1"), "UTF-8"),
    "utf-16": (GOOD.encode("utf-16"), "UTF-8"),
    "half a surrogate": (GOOD.replace("name: A", 'name: "\\ud800"'), "not valid YAML"),
    "double key": (GOOD + "name: b\n", "'name' stands twice"),
    "unknown key": (GOOD + "chunks: {}\n", "did you mean 'chunk'"),
    "number as key": (GOOD + "1: 2\n", "unknown key '1'"),
    "list as key": (GOOD + "? [a]\n: 1\n", "plain word"),
    "wrong type": (GOOD + "chunk: {seconds: long}\n", "chunk.seconds"),
    "truth as number": (GOOD + "chunk: {seconds: true}\n", "chunk.seconds"),
    "text as list": (GOOD.replace("[x.flac]", "x.flac"), "expected array"),
    "nan": (GOOD + "chunk: {seconds: .nan}\n", "finite"),
    "infinity": (GOOD + "limits: {track: {max_seconds: .inf}}\n", "finite"),
    "too long a number": (GOOD + f"split: {{seed: {'9' * 5000}}}\n", "not valid YAML"),
    "impossible date": (GOOD.replace(": r\n", ": 2024-13-41\n"), "month"),
    "code": (GOOD.replace(": r\n", ": !!python/object/apply:os.getcwd []\n"), "constructor"),
    "newline in name": (GOOD.replace("name: a\n", 'name: "a\\n"\n'), "name"),
    "artist twice": (GOOD + "  - name: A\n    files: [y]\n", "twice"),
    "no artists": ("name: a\nrights: r\nartists: []\n", "at least 1"),
    "empty entry": (GOOD.replace("[x.flac]", '[""]'), "empty"),
    "recursive": ("a: &a\n  b: *a\n", "refers to itself"),
    "recursive list": ("&a [*a]\n", "refers to itself"),
    "unknown alias": ("a: *nothing\n", "alias"),
    "deep list": ("[" * 200_000, "nested deeper"),
    "deep map": ("{a: " * 200_000, "nested deeper"),
    "deep blocks": ("- " * 100_000, "nested deeper"),
    "alias bomb": (bomb(), "bomb"),
    "huge": (b"# " + b"x" * (33 << 20), "bytes"),
}


def small() -> None:
    """For `preexec_fn`: whoever needs more than this has been blown up."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


LOAD_ALL = """\
import json, sys
from pathlib import Path
from curate import config
from curate.errors import ConfigError
for path in map(Path, sys.argv[1:]):
    try:
        config.load(path)
        said = "loaded"
    except ConfigError as error:
        said = str(error)
    print(json.dumps([path.parent.name, said]), flush=True)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each file, by one process for all, in little memory."""
    folder = tmp_path_factory.mktemp("recipes")
    paths = []
    for name, (text, _) in BROKEN.items():
        path = folder / name / "artists.yaml"
        path.parent.mkdir()
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        paths.append(path)
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, *map(str, paths)],
        env=rig.environment(),
        preexec_fn=small,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    found = dict(json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 0, (list(BROKEN)[len(found)], done.stderr[-2000:])
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_broken_recipe_is_refused_with_its_place(said: dict[str, str], name: str) -> None:
    assert BROKEN[name][1] in said[name]
    assert re.match(r"/[^:]*/artists\.yaml(:\d+){0,2}: ", said[name]), said[name]
    assert len(said[name]) < 2000


def test_the_command_ends_with_2_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "artists.yaml"
    path.write_text("{a: " * 200_000)
    done = rig.curate("build", "--artists", path, timeout=30)
    assert done.returncode == 2
    assert done.stderr.strip().startswith(f"curate: {path}:1: ")
    assert [p.name for p in tmp_path.iterdir()] == ["artists.yaml"]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "loop", "unreadable", "device"])
def test_recipe_that_is_no_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "artists.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "unreadable":
        path.write_text(GOOD)
        path.chmod(0)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    done = rig.curate("build", "--artists", path, preexec_fn=rig.without_privileges, timeout=20)
    assert done.returncode == 2, done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "artists.yaml"
    path.write_text(GOOD + "chunk: {seconds: 0}\nsplit:\n  by: album\n  valid: 2\nnme: x\n")
    done = rig.curate("build", "--artists", path)
    assert done.returncode == 2
    places = sorted(int(n) for n in re.findall(r"artists\.yaml:(\d+):", done.stderr))
    assert places == [6, 8, 9, 10]
