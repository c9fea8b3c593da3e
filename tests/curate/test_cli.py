"""The command line: exit codes, messages on the right stream, never a traceback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import handmade
import pytest

from curate import api, cli

ROOT = Path(cli.__file__).parents[1]
VERBS = ("build", "validate", "status", "relocate", "doctor", "models", "labels")
MINIMAL = "name: x\nrights: r\nartists: [{name: A, files: [m]}]\n"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "curate.cli", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment, timeout=60
    )


@pytest.fixture(autouse=True)
def _leave_signals_alone() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a recipe whose music is missing and what else goes wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artists.yaml").write_text(MINIMAL)
    (tmp_path / "typo.yaml").write_text(MINIMAL + "chnk: {seconds: 3}\n")
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/build.json").write_text("{")
    (tmp_path / "rotten").mkdir()
    (tmp_path / "rotten/catalog.sqlite").write_bytes(b"no database\n" * 1000)
    return tmp_path


def main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = cli.main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_comes_at_once(verb: str) -> None:
    fastest = float("inf")
    for _ in range(5):  # other work on the machine only slows it down
        begun = time.perf_counter()
        done = run(*verb.split(), "--help")
        fastest = min(fastest, time.perf_counter() - begun)
        if fastest < 0.5:
            break
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: curate {verb}".rstrip())
    assert fastest < 0.5


def test_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom curate import cli\ntry: cli.main(['build', '--help'])\n"
    code += "except SystemExit: print([m for m in sys.modules if m in sys.argv], file=sys.stderr)"
    heavy = ["numpy", "rich", "yaml", "msgspec", "pebble", "essentia", "curate.pipeline"]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stderr == "[]\n"


def test_every_verb_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = main(capsys, "--help")
    assert code == 0
    assert [verb for verb in VERBS if f"\n    {verb} " not in out] == []


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = main(capsys, "--version")
    assert (code, err) == (0, "")
    assert out.startswith("curate")


# --- wrong commands -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("bild", "invalid choice: 'bild'"),
        ("build", "the following arguments are required: --artists"),
        ("build --artists none.yaml", "curate: none.yaml: no such file"),
        ("build --artists empty", "curate: empty: is no file, but a folder"),
        (
            "build --artists typo.yaml",
            "typo.yaml:4: chnk: unknown key 'chnk'; did you mean 'chunk'",
        ),
        ("build --artists typo.yaml --dry-run", "typo.yaml:4: chnk: unknown key"),
        ("build --artists bytes.yaml", "not UTF-8 at byte 6"),
        ("build --artists artists.yaml --jobs 0", "argument --jobs: 0: must be a whole number, at"),
        ("build --artists artists.yaml --jobs two", "argument --jobs: two: must be a whole number"),
        ("build --artists artists.yaml --limit -1", "argument --limit: -1: must be a whole number"),
        ("build --artists artists.yaml --timeout 0", "argument --timeout: 0: must be a number of"),
        ("build --artists artists.yaml --timeout nan", "argument --timeout: nan: must be a number"),
        ("build --artists artists.yaml --timeout -3", "argument --timeout"),
        ("build --artists artists.yaml --timeout soon", "--timeout: soon: must be a number of sec"),
        ("build --artists artists.yaml --out typo.yaml", "typo.yaml: is a file; name a folder"),
        ("build --artists artists.yaml --out rotten", "not a usable catalog"),
        ("build --artists artists.yaml --out rotten --dry-run", "not a usable catalog"),
        ("validate", "the following arguments are required: DIR"),
        ("validate none", "curate: none: no such folder or file"),
        ("validate typo.yaml", "typo.yaml:4: chnk: unknown key 'chnk'"),
        ("validate none.yaml", "none.yaml: no such file"),
        ("status empty", "empty: neither build.json nor catalog.sqlite: no dataset here"),
        ("status none", "no dataset here"),
        ("status broken", "broken: cannot be read"),
        ("status rotten", "rotten: cannot be read"),
        ("relocate empty", "empty: no build.json: not a dataset that curate built"),
        ("relocate broken", "broken: Input data was truncated; see `curate validate broken`"),
    ],
)
def test_a_wrong_command_is_told_on_the_error_stream(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: str, words: str
) -> None:
    before = contents(here)
    code, out, err = main(capsys, *arguments.split())
    assert code == 2
    assert out == ""
    assert words in " ".join(err.split())
    assert {n: d for n, d in contents(here).items() if not n.endswith(".lock")} == before


def test_a_wrong_file_is_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(capsys, "build", "--artists", "none.yaml") == (
        2, "", "curate: none.yaml: no such file\n"
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["status", "relocate", "captions"])
def test_the_folder_above_a_dataset_leads_to_it(
    here: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    (here / "above/build").mkdir(parents=True)
    (here / "above/build/build.json").write_text("{}")
    code, _, err = main(capsys, verb, "above", *(["--show", "1"] if verb == "captions" else []))
    assert code == 2
    assert "above/build?" in " ".join(err.split())


def test_what_the_system_refuses_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device", "/data/x")

    monkeypatch.setattr(api, "relocate", full)
    assert main(capsys, "relocate", "x") == (2, "", "curate: /data/x: No space left on device\n")


def test_a_stop_says_how_to_go_on(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*args: object, **options: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(api, "relocate", stopped)
    code, out, err = main(capsys, "relocate", "x")
    assert (code, out) == (130, "")
    assert "the same command goes on from here" in err


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "relocate", lambda folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["relocate", "x"])


def test_a_reader_may_leave_early(small_set: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command("status", small_set / "build"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(20) == 0


# --- build --------------------------------------------------------------------------------------


@pytest.fixture
def copied(small_set: Path, tmp_path: Path) -> Path:
    shutil.copytree(small_set, tmp_path / "copy")
    api.relocate(tmp_path / "copy/build")
    return tmp_path / "copy"


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    small_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(small_set)
    recipe = str(small_set / "artists.yaml")
    code, out, _ = main(capsys, "build", "--artists", recipe, "--dry-run")
    assert code == 0
    assert "8 tracks listed" in out
    assert "0 to work on" in out
    code, out, _ = main(
        capsys, "build", "--artists", recipe, "--dry-run", "--out", str(small_set / "new")
    )
    assert code == 0
    assert "7 to work on" in out
    assert contents(small_set) == before
    assert not (small_set / "new").exists()


def test_a_good_build_ends_with_its_table_and_verdict(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = main(capsys, "build", "--artists", str(copied / "artists.yaml"), "--jobs", "1")
    assert code == 0, out
    assert "0 tracks (0.0 min) decoded in this run" in out
    assert "8 tracks listed; left out: 1 duplicate, 1 missing, 1 not_audio, 1 too_short" in out
    assert f"dataset: {copied / 'build'}" in out


def test_a_build_that_is_not_valid_falls_short(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = next((copied / "build").rglob("*_chunk000.flac"))
    clip.write_bytes(bytes(clip.stat().st_size))  # spoilt behind the catalog's back
    code, out, _ = main(capsys, "build", "--artists", str(copied / "artists.yaml"), "--jobs", "1")
    assert code == 1
    assert "error audio_unreadable" in out
    assert "not valid: 1 errors" in out


def test_a_build_without_clips_falls_short(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = main(capsys, "build", "--artists", "artists.yaml")
    assert code == 1
    assert "no clips" in out
    assert "missing: 'm' matches no audio file under" in out
    assert "cannot fill" not in out
    assert "rejected.jsonl" in out


# --- validate -----------------------------------------------------------------------------------


def test_a_good_dataset_is_valid(small_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = main(capsys, "validate", "--deep", str(small_set / "build"))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("valid: 0 errors")


def test_a_bad_one_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handmade.first_clip(handmade.ours(tmp_path)).unlink()
    code, out, _ = main(capsys, "validate", str(tmp_path))
    assert code == 1
    assert "audio_missing" in out
    assert "not valid: 1 errors" in out


def test_the_worst_of_several_counts(
    small_set: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(small_set / "build")
    assert main(capsys, "validate", good, "artists.yaml")[0] == 0
    assert main(capsys, "validate", "empty", good)[0] == 1


def test_findings_come_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = main(capsys, "validate", "--json", "empty")
    assert code == 1
    assert [finding["code"] for finding in json.loads(out)["findings"]] == ["not_a_dataset"]


def test_a_recipe_can_be_validated(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(capsys, "validate", "artists.yaml") == (0, "artists.yaml: valid\n", "")


# --- status, relocate, doctor -------------------------------------------------------------------


def test_status_for_people_and_machines(
    small_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(small_set / "build")
    code, out, _ = main(capsys, "status", folder)
    assert code == 0
    assert "small, built 20" in out
    assert "5 items known at stage label" in out
    code, out, _ = main(capsys, "status", folder, "--json")
    assert code == 0
    assert json.loads(out)["build"]["counts"]["chunks"] == 8


def test_relocate_tells_how_many(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copied / "build"
    assert main(capsys, "relocate", str(folder)) == (
        0,
        f"{folder}: 8 clips now have their paths here\n",
        "",
    )


def test_doctor_tells_what_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from curate.command import doctor

    checks = [doctor.Check("a", True, "1.0"), doctor.Check("b", False, "none", "pip install b")]
    monkeypatch.setattr(doctor, "examine", lambda: checks[:1])
    assert main(capsys, "doctor")[0] == 0
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    code, out, _ = main(capsys, "doctor")
    assert code == 1
    assert "-> pip install b" in out
    code, out, _ = main(capsys, "doctor", "--json")
    assert code == 1
    assert json.loads(out)[1] == {
        "name": "b",
        "ok": False,
        "found": "none",
        "remedy": "pip install b",
    }


def test_details_are_told_when_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    levels = []
    monkeypatch.setattr(logging, "basicConfig", lambda level, format: levels.append(level))
    main(capsys, "validate", "artists.yaml")
    main(capsys, "-v", "validate", "artists.yaml")
    assert levels == [logging.WARNING, logging.DEBUG]
