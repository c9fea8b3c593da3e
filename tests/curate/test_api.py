"""The whole from Python: build, plan, validate, load; and that importing it costs nothing."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import numpy as np
import pytest
import sounds

import curate
from curate import api
from curate.building.work import Job, Known, Outcome, process
from curate.config import Artist, ChunkOptions, Config
from curate.engine import Done
from curate.engine.local import LocalEngine
from curate.errors import ConfigError, CurateError
from curate.records import Origin, Track
from curate.stages import label

ROOT = Path(curate.__file__).parents[1]


class Here:
    """An engine that works in this process and counts."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def map(self, function: Callable, jobs: Iterable) -> Generator[Done]:
        for job in jobs:
            self.jobs.append(job)
            yield Done(job, function(job))


def python(code: str, *, path: Path = ROOT, cwd: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=cwd or path, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def copied(small_set: Path, tmp_path: Path) -> Path:
    """Recipe and music, not built."""
    shutil.copytree(small_set / "music", tmp_path / "music")
    return Path(shutil.copy(small_set / "artists.yaml", tmp_path))


# --- import -------------------------------------------------------------------------------------


def test_importing_curate_imports_nothing_heavy() -> None:
    heavy = "numpy torch essentia msgspec scipy yaml rich tensorflow soundfile".split()
    code = f"import sys, curate; dir(curate); print([m for m in {heavy} if m in sys.modules])"
    assert python(code) == "[]"


def test_all_of_curate_works_where_torch_cannot_be_imported() -> None:
    code = """
import sys
for name in ("torch", "torchaudio", "audiocraft", "transformers", "librosa"):
    sys.modules[name] = None
import importlib, pathlib, pkgutil, curate
names = [m.name for m in pkgutil.walk_packages(curate.__path__, "curate.")]
for name in names:
    importlib.import_module(name)
print(len(names) > 40, callable(curate.build), curate.config.load(
    pathlib.Path("datasets/demo/artists.yaml")).name)
"""
    assert python(code) == "True True demo"


def test_the_package_says_what_it_has() -> None:
    assert set(curate.__all__) == {"build", "load", "plan", "relocate", "validate"}
    assert all(callable(getattr(curate, name)) for name in curate.__all__)
    assert set(curate.__all__) <= set(dir(curate))
    with pytest.raises(AttributeError, match="module 'curate' has no attribute 'bild'"):
        _ = curate.bild


@pytest.mark.parametrize(
    "before", ["", "import curate.validate", "from curate.validate import CODES"]
)
def test_validate_is_a_function_though_a_package_has_its_name(before: str) -> None:
    code = f"import curate\n{before}\n"
    code += "print([curate.validate('schemas').ok, curate.validate('schemas', deep=True).ok])"
    assert python(code) == "[False, False]"


def test_an_installed_package_has_its_schemas(tmp_path: Path, small_set: Path) -> None:
    """Laid out as in the wheel: the schemas lie in the package, no checkout is near."""
    shutil.copytree(ROOT / "curate", tmp_path / "curate")
    shutil.copytree(ROOT / "schemas", tmp_path / "curate" / "schemas")
    code = f"""
import curate, pathlib
from curate import config, schema
print(schema.folder() == pathlib.Path(curate.__file__).parent / "schemas",
      len(list(map(schema.load, schema.NAMES))),
      config.load(pathlib.Path({str(small_set / "artists.yaml")!r})).name)
"""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert python(code, path=tmp_path, cwd=elsewhere) == "True 6 small"


# --- build --------------------------------------------------------------------------------------


def test_a_small_set_is_built_whole(small_set: Path) -> None:
    dataset = curate.load(small_set / "build")
    assert dataset.build.counts.listed == 8
    assert dataset.build.counts.tracks == 4
    assert dataset.build.counts.rejected == {
        "duplicate": 1,
        "missing": 1,
        "not_audio": 1,
        "too_short": 1,
    }
    assert [len(dataset[split]) for split in ("train", "valid", "test")] == [4, 2, 2]
    assert {clip.artist for clip in dataset} == {"紅葉", "Rock & Roll", "花"}
    assert dataset.fingerprint() == dataset.build.fingerprint


def test_a_built_set_is_valid_to_the_last_sample(small_set: Path) -> None:
    report = curate.validate(small_set / "build", deep=True)
    assert report.ok
    assert [f.code for f in report.findings if f.severity == "error"] == []


def test_the_best_copy_is_kept(small_set: Path) -> None:
    dataset = curate.load(small_set / "build")
    (lost,) = [each for each in dataset.rejected if each.code == "duplicate"]
    assert lost.uri == "music/b/copy.mp3"
    assert "music/a/一.flac" in [track.uri for track in dataset.tracks]
    assert "set dedupe: keep to have both" in lost.reason


def test_clips_are_the_song_at_their_place(small_set: Path, songs: dict) -> None:
    dataset = curate.load(small_set / "build")
    (clip,) = [c for c in dataset if c.title == "一" and c.start == 5.0]
    samples, rate = clip.audio()
    assert (samples.shape, rate) == ((1, 5 * 32000), 32000)
    whole = songs["song"][5 * sounds.RATE : 10 * sounds.RATE].mean(axis=1)
    assert np.corrcoef(samples[0, ::320], whole[::441])[0, 1] > 0.95


def test_everything_written_is_in_the_folder(small_set: Path) -> None:
    top = {path.name for path in (small_set / "build").iterdir()}
    names = "audio manifests tracks.jsonl rejected.jsonl dset.yaml build.json DATASHEET.md"
    assert top == {*names.split(), "catalog.sqlite", ".lock"}
    assert {path.name for path in small_set.iterdir()} == {"music", "artists.yaml", "build"}


def test_a_second_build_does_nothing(small_set: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(small_set, folder)
    curate.relocate(folder / "build")
    api.build(folder / "artists.yaml", engine=Here())
    before = {n: d for n, d in contents(folder / "build").items() if "catalog" not in n}
    engine = Here()
    result = api.build(folder / "artists.yaml", engine=engine)
    assert (result.decoded_tracks, engine.jobs) == (0, [])
    after = {n: d for n, d in contents(folder / "build").items() if "catalog" not in n}
    assert {n: d for n, d in after.items() if before[n] != d} == {}


def test_one_process_builds_what_two_build(copied: Path, small_set: Path) -> None:
    result = api.build(copied, copied.parent / "out", engine=Here())
    assert result.out == copied.parent / "out"
    there = curate.load(small_set / "build").build
    assert curate.load(result.out).build.fingerprint == there.fingerprint
    assert result.counts == there.counts
    assert result.decoded_tracks == 5


def test_a_limit_takes_the_first_tracks(copied: Path) -> None:
    result = api.build(copied, engine=Here(), limit=1)
    assert (result.counts.listed, result.counts.tracks) == (1, 1)
    assert not curate.load(result.out).build.complete
    assert "1 group cannot fill 3 splits" in result.notes[0]


@pytest.mark.parametrize(
    ("artists", "out", "words"),
    [
        ("none.yaml", None, "no such file"),
        ("artists.yaml", "artists.yaml", "is a file; name a folder"),
        ("artists.yaml", "artists.yaml/out", "cannot be written to"),
    ],
)
def test_what_cannot_be_built_is_told(
    copied: Path, artists: str, out: str | None, words: str
) -> None:
    folder = copied.parent
    with pytest.raises(ConfigError, match=words):
        api.build(folder / artists, out and folder / out, engine=Here())


def test_the_dataset_is_beside_its_recipe_unless_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert api.output_folder(Path("d/artists.yaml"), None) == tmp_path / "d" / "build"
    assert api.output_folder(Path("d/artists.yaml"), "x") == tmp_path / "x"


# --- plan ---------------------------------------------------------------------------------------


def test_a_plan_says_what_is_to_do_and_writes_nothing(copied: Path) -> None:
    before = contents(copied.parent)
    plan = curate.plan(copied)
    assert (plan.listed, plan.to_do, plan.known, plan.rejected) == (8, 7, 0, {"missing": 1})
    assert contents(copied.parent) == before
    assert not (copied.parent / "build").exists()


def test_a_plan_of_what_is_built_finds_nothing_to_do(small_set: Path) -> None:
    before = contents(small_set)
    plan = curate.plan(small_set / "artists.yaml")
    assert (plan.listed, plan.to_do, plan.known) == (8, 0, 5)
    assert plan.rejected == {"missing": 1, "not_audio": 1, "too_short": 1}
    assert contents(small_set) == before


def test_a_plan_has_the_limit_of_a_build(small_set: Path) -> None:
    assert curate.plan(small_set / "artists.yaml", limit=2).listed == 2
    assert curate.plan(small_set / "artists.yaml", small_set / "other").to_do == 7


def test_a_plan_beside_a_broken_catalog_is_told(copied: Path) -> None:
    (copied.parent / "build").mkdir()
    (copied.parent / "build/catalog.sqlite").write_bytes(b"no database\n" * 1000)
    with pytest.raises(CurateError, match="not a usable catalog"):
        curate.plan(copied)


def test_the_processors_are_those_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5, 7}, raising=False)
    assert api.processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert api.processors() == 4


# --- what a worker does with a track ------------------------------------------------------------

CONFIG = Config("x", "r", (Artist("A", ("a",)),), chunk=ChunkOptions(seconds=5.0))


@pytest.fixture
def work(small_set: Path, tmp_path: Path) -> Callable[..., Outcome]:
    def process_one(name: str, known: Known | None = None) -> Outcome:
        track = Track("46ed4a29f62f", "files", name, "A", Path(name).stem)
        return process(
            Job(
                0,
                track,
                small_set / "music" / name,
                Origin(name),
                tmp_path,
                CONFIG,
                (),
                None,
                known or Known(),
            )
        )

    return process_one


def test_a_track_is_worked_on_once(
    work: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = work("a/一.flac")
    assert first.rejection is None
    assert first.decoded_s == 12.0
    assert first.known.complete is not None
    monkeypatch.setattr(label, "label", None)
    again = work("a/一.flac", first.known)
    assert again.known.complete == first.known.complete


@pytest.mark.parametrize(
    ("name", "stage", "code"),
    [
        ("c/short.flac", "inspect", "too_short"),
        ("c/text.wav", "inspect", "not_audio"),
        ("c/gone.flac", "fetch", "unreadable"),
        ("c", "fetch", "unreadable"),
    ],
)
def test_what_is_wrong_with_a_track_is_its_rejection(
    work: Callable[..., Outcome], name: str, stage: str, code: str
) -> None:
    made = work(name).rejection
    assert made is not None
    assert (made.stage, made.code) == (stage, code)
    assert made.reason.startswith(f'track 46ed4a29f62f "{Path(name).stem}": ')


def test_what_was_learned_before_is_kept(work: Callable[..., Outcome]) -> None:
    made = work("c/text.wav").known
    assert made.fetched is not None
    assert (made.fetched.suffix, made.inspection) == ("wav", None)


def raising(error: Exception) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        raise error

    return read


def test_a_bug_costs_one_track(
    work: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.labels.tags.read", raising(IndexError("out of range")))
    made = work("a/一.flac").rejection
    assert made is not None
    assert made.code == "unexpected"
    assert "IndexError: out of range; please report this" in made.reason


def test_a_disk_that_fails_is_no_bug_of_ours(
    work: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.audio.Reader", raising(OSError(5, "Input/output error")))
    made = work("a/一.flac").rejection
    assert made is not None
    assert (made.code, made.stage) == ("unreadable", "inspect")
    assert "Input/output error; mend that and build again" in made.reason


def test_memory_is_the_engines_to_judge(
    work: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.labels.tags.read", raising(MemoryError()))
    with pytest.raises(MemoryError):
        work("a/一.flac")


def test_build_json_is_of_this_build(small_set: Path) -> None:
    info = json.loads((small_set / "build" / "build.json").read_bytes())
    assert (info["name"], info["complete"], info["config"]["chunk"]["seconds"]) == (
        "small",
        True,
        5,
    )


@pytest.mark.parametrize(
    ("vocals", "timeout", "wanted"),
    [("keep", None, 900.0), ("separate", None, 7200.0), ("separate", 60.0, 60.0)],
)
def test_a_track_has_the_time_that_its_work_takes(
    vocals: str, timeout: float | None, wanted: float
) -> None:
    asked = Config("x", "r", (Artist("A", ("a",)),), vocals=vocals)
    engine = api._engine(asked, 1, timeout)
    assert isinstance(engine, LocalEngine)
    assert engine.timeout == wanted
