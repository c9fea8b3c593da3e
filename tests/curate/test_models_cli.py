"""`curate models`: the real command line against a server on 127.0.0.1."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import modelsite
import pinnedcli
import pytest
import rig
from modelsite import BIG, Site, cut, page, stall, status

from curate import cli
from curate.labels.models import download, weights, zoo

ROOT = Path(cli.__file__).parents[1]
NETWORK = "discogs-effnet-bsdynamic-1.onnx"
MOOD = "mtg_jamendo_moodtheme-discogs-effnet-1"
TERMS = "https://creativecommons.org/licenses/by-nc-sa/4.0/"


@dataclass(frozen=True)
class Command:
    """`curate models` with a folder of its own."""

    site: Site
    folder: Path
    standins: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Runs it in this process. Gives exit code, output and errors."""
        try:
            code = cli.main(["models", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    def start(
        self, *arguments: str, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]:
        """Starts it in a process of its own, which knows the small models."""
        paths = [ROOT, *(ROOT / "tests" / name for name in ("curate", "standins"))]
        return subprocess.Popen(
            [sys.executable, pinnedcli.__file__, str(self.standins), "models", *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def apart(
        self, *arguments: str, before: Callable[[], None] | None = None
    ) -> tuple[int, str, str]:
        """Runs it in a process of its own."""
        with self.start(*arguments, before=before) as running:
            out, err = running.communicate(timeout=60)
        assert "Traceback" not in err
        return running.returncode, out, err


@pytest.fixture(scope="module")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("standins")
    files, _ = modelsite.standins(folder)
    (folder / NETWORK).write_bytes(files[NETWORK])
    return folder


@pytest.fixture
def models(
    standins: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Command]:
    files = {path.name: path.read_bytes() for path in standins.iterdir()}
    table = modelsite.pinned(files)
    monkeypatch.setattr(zoo, "MODELS", table)
    monkeypatch.setattr(zoo, "BY_NAME", {model.name: model for model in table})
    monkeypatch.setattr(download, "WAIT_S", 0.01)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "models"))
    handler = signal.getsignal(signal.SIGTERM)
    with modelsite.serving(files) as site:
        monkeypatch.setenv(weights.MIRROR, site.address)
        yield Command(site, tmp_path / "models", standins, capsys)
    signal.signal(signal.SIGTERM, handler)


def one_line(text: str) -> str:
    return " ".join(text.split())


# --- fetch --------------------------------------------------------------------------------------


def test_a_fetch_says_what_it_did_and_a_second_one_does_nothing(models: Command) -> None:
    code, out, err = models("fetch")
    assert code == 0
    assert f"fetched {NETWORK}\n" in out
    assert out.count("fetched ") == 21
    size = sum(path.stat().st_size for path in models.folder.iterdir()) / 1e6
    assert f"21 files ({size:.1f} MB) fetched; all 11 models are whole in {models.folder}" in out
    assert TERMS in out
    assert err == ""  # bars are for terminals
    before = len(models.site.asked)
    assert models("fetch") == (
        0,
        f"nothing to do: all 11 models are whole in {models.folder}\n",
        "",
    )
    assert len(models.site.asked) == before


def test_a_label_brings_its_embedding_into_the_folder_given(
    models: Command, tmp_path: Path
) -> None:
    other = tmp_path / "my models"
    code, out, _ = models("fetch", "genre", "--models", str(other))
    assert code == 0
    assert {path.name for path in other.iterdir()} == {
        NETWORK,
        "discogs-effnet-bs64-1.json",
        "genre_discogs400-discogs-effnet-1.json",
        "checksums.json",
    }
    assert not models.folder.exists()
    assert f"all 2 models are whole in {other}" in out


@pytest.mark.parametrize(("option", "extension"), [("--onnx", "onnx"), ("--backend=pb", "pb")])
def test_the_backend_can_be_chosen(models: Command, option: str, extension: str) -> None:
    assert models("fetch", MOOD, option)[0] == 0
    found = {path.suffix for path in models.folder.glob("*discogs*")}
    assert found == {f".{extension}", ".json"}


def test_onnx_files_that_cannot_be_used_are_told(
    models: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, _, err = models("fetch", "mood", "--onnx")
    assert code == 0
    assert "onnxruntime, which uses these files, is not installed" in err


def test_an_unknown_name_asks_nobody(models: Command) -> None:
    code, out, err = models("fetch", "genres")
    assert (code, out) == (2, "")
    assert "curate: no model 'genres'; did you mean 'genre'?" in err
    assert "deeptemp-k16-3" in err
    assert models.site.asked == []


def test_a_cut_download_is_continued_by_the_same_command(models: Command) -> None:
    models.site.faults[NETWORK] = [cut(300_000), cut(200_000), cut(100_000)]
    code, out, err = models("fetch", "genre")
    assert (code, out) == (2, "")
    assert "goes on from 600000 bytes" in one_line(err)
    assert "the connection ended after 300000 of 1048576 bytes; trying again" in one_line(err)
    assert (models.folder / f"{NETWORK}.partial").read_bytes() == BIG[:600_000]
    assert models("fetch", "genre")[0] == 0
    assert (models.folder / NETWORK).read_bytes() == BIG
    assert models.site.ranges_of(NETWORK)[-1] == "bytes=600000-"


def test_other_bytes_than_pinned_are_refused(models: Command) -> None:
    models.site.files[NETWORK] = BIG[::-1]
    code, _, err = models("fetch", "genre")
    assert code == 2
    assert f"/{NETWORK}: what arrived is another file (sha256 " in one_line(err)
    assert "it was not kept" in err
    assert not list(models.folder.glob(f"{NETWORK}*"))
    assert (models.folder / "genre_discogs400-discogs-effnet-1.json").is_file()


def test_a_login_page_is_refused(models: Command) -> None:
    for name in models.site.files:
        models.site.faults[name] = [page]
    code, _, err = models("fetch")
    assert code == 2
    assert one_line(err).count("what arrived is a web page") == 21
    assert not list(models.folder.iterdir())


def test_a_missing_file_is_told_with_its_address(models: Command) -> None:
    del models.site.files[f"{MOOD}.onnx"]
    code, _, err = models("fetch", "mood")
    folder = f"{models.site.address}/classification-heads/mtg_jamendo_moodtheme"
    assert code == 2
    assert f"{folder}/{MOOD}.onnx: 404 Not Found" in err
    assert "3 other files were fetched" in err


def test_a_server_in_trouble_is_asked_again(models: Command) -> None:
    models.site.faults[f"{MOOD}.onnx"] = [status(500), status(429, Retry_After="0")]
    code, _, err = models("fetch", "mood")
    assert code == 0
    assert "500 Internal Server Error; trying again in 0 s" in one_line(err)
    assert models.site.names.count(f"{MOOD}.onnx") == 3


def test_a_server_without_ranges_will_do(models: Command) -> None:
    models.site.ranges = False
    models.site.faults[NETWORK] = [cut(300_000)]
    assert models("fetch", "genre")[0] == 0
    assert (models.folder / NETWORK).read_bytes() == BIG


def test_offline_says_what_is_missing(models: Command) -> None:
    code, out, err = models("fetch", "mood", "--offline")
    assert (code, out) == (2, "")
    assert "4 model files cannot be used, and --offline forbids to fetch them" in err
    assert f"  {MOOD}.onnx is not there\n" in err
    assert not models.folder.exists()
    assert models("fetch", "mood")[0] == 0
    before = len(models.site.asked)
    assert models("fetch", "mood", "--offline")[0] == 0
    assert len(models.site.asked) == before


def test_no_network_is_told_in_words(models: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.MIRROR, "http://127.0.0.1:9/models")
    code, _, err = models("fetch", "mood")
    assert code == 2
    assert "Connection refused (3 tries); the same command goes on from 0 bytes" in one_line(err)


# --- fetch, in a process of its own -------------------------------------------------------------


def test_a_stopped_fetch_goes_on_where_it_was(models: Command) -> None:
    models.site.faults[NETWORK] = [stall(300_000, models.site.stopped)]
    partial = models.folder / f"{NETWORK}.partial"
    with models.start("fetch", "genre") as running:
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "stopped; the same command goes on from here" in err
    assert "Traceback" not in err
    kept = partial.stat().st_size
    assert 0 < kept <= 300_000
    assert models.apart("fetch", "genre")[0] == 0
    assert (models.folder / NETWORK).read_bytes() == BIG
    assert models.site.ranges_of(NETWORK)[-1] == f"bytes={kept}-"


def test_a_full_disk_is_told_and_what_came_is_kept(models: Command) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    code, _, err = models.apart("fetch", "genre", before=small_files_only)
    assert code == 2
    assert f"{models.folder / NETWORK}: cannot be written: File too large" in one_line(err)
    assert "free some space or name another folder with --models" in one_line(err)
    kept = (models.folder / f"{NETWORK}.partial").read_bytes()
    assert 0 < len(kept) <= 500_000
    assert BIG.startswith(kept)
    assert models.apart("fetch", "genre")[0] == 0
    assert (models.folder / NETWORK).read_bytes() == BIG
    assert models.site.ranges_of(NETWORK)[-1] == f"bytes={len(kept)}-"


def test_a_folder_that_is_only_read_is_good_for_what_is_there(models: Command) -> None:
    assert models("fetch", "genre")[0] == 0
    (models.folder / "checksums.json").unlink()
    before = len(models.site.asked)
    models.folder.chmod(0o555)
    try:
        code, out, _ = models.apart("fetch", "genre", before=rig.without_privileges)
        assert (code, out.split(":")[0]) == (0, "nothing to do")
        assert models.apart("list", before=rig.without_privileges)[0] == 0
        assert len(models.site.asked) == before
        code, _, err = models.apart("fetch", "mood", before=rig.without_privileges)
        assert code == 2
        assert f"{models.folder / MOOD}.json: cannot be written: Permission denied" in one_line(err)
        code, _, err = models.apart("accept", "genre", before=rig.without_privileges)
        assert code == 2
        assert "Permission denied" in err
        inside = str(models.folder / "new")
        code, _, err = models.apart(
            "fetch", "mood", "--models", inside, before=rig.without_privileges
        )
        assert code == 2
        assert f"{inside}: cannot be used: Permission denied" in one_line(err)
    finally:
        models.folder.chmod(0o755)


def test_htdemucs_is_fetched_by_its_name(models: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = {"th": hashlib.sha256(BIG).hexdigest()}
    checkpoint = replace(zoo.HTDEMUCS, pinned=pinned)
    monkeypatch.setattr(zoo, "OTHERS", (checkpoint,))
    name = checkpoint.file("th")
    models.site.files[name] = b"PK" + BIG[2:]
    code, _, err = models("fetch", "htdemucs")
    assert code == 2
    assert f"{name}: what arrived is another file" in err
    models.site.files[name] = BIG
    assert models("fetch", "htdemucs")[0] == 2  # right by its hash, but no checkpoint
    packed = b"PK" + BIG
    monkeypatch.setattr(
        zoo, "OTHERS", (replace(checkpoint, pinned={"th": hashlib.sha256(packed).hexdigest()}),)
    )
    models.site.files[name] = packed
    models.site.faults[name] = [cut(1000)]
    models.site.asked.clear()
    code, out, _ = models("fetch", "htdemucs")
    assert code == 0
    assert models.site.ranges_of(name) == [None, "bytes=1000-"]
    assert f"fetched {name}" in out
    assert "all 1 models are whole" in out
    assert TERMS not in out
    assert (models.folder / name).read_bytes() == packed
    assert "ready (th)" in next(row for row in models("list")[1].splitlines() if "htdemucs" in row)


# --- list ---------------------------------------------------------------------------------------


def test_an_empty_folder_lists_everything_as_missing(models: Command) -> None:
    code, out, err = models("list")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split() for line in out.splitlines() if " missing " in line}
    assert set(rows) == {model.name for model in (*zoo.MODELS, *zoo.OTHERS)}
    assert rows["htdemucs"] == ["htdemucs", "(stems)", "84.1", "missing", "MIT"]
    assert rows[MOOD] == [MOOD, "mood", "2.7", "missing", "CC", "BY-NC-SA", "4.0"]
    assert f"0 of 11 ready in {models.folder}" in out
    assert "to fetch the rest: curate models fetch\n" in out
    assert "onnxruntime is installed" in out
    assert TERMS in out
    for model in zoo.MODELS:
        assert model.citation in one_line(out)
    assert models.site.asked == []
    assert not models.folder.exists()


def test_a_list_tells_ready_missing_and_broken_apart(models: Command) -> None:
    models("fetch", "mood", "voice", "tempo", "danceable")
    (models.folder / "deeptemp-k16-3.pb").write_bytes(b"cut off")
    (models.folder / "danceability-discogs-effnet-1.json").unlink()
    (models.folder / f"{zoo.MUSICNN}.onnx.partial").write_bytes(bytes(2_000_000))
    code, out, _ = models("list")
    assert code == 0
    states = {line.split()[0]: line for line in out.splitlines() if "CC BY-NC-SA 4.0" in line}
    assert " onnx " in states[MOOD]
    assert " ready (onnx) " in states[MOOD]
    assert " broken " in states["deeptemp-k16-3"]
    assert " missing " in states["danceability-discogs-effnet-1"]
    assert "broken: deeptemp-k16-3.pb is cut off, changed or another file (7 bytes" in out
    assert "missing: danceability-discogs-effnet-1.json is not there" in out
    assert "files that are meant to be other ones: curate models accept NAME" in out
    assert f"3 of 11 ready in {models.folder}" in out


def test_a_list_for_machines(models: Command, tmp_path: Path) -> None:
    models("fetch", "mood")
    other = str(tmp_path / "other")
    code, out, err = models("list", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["folder"], told["onnxruntime"]) == (str(models.folder), True)
    by_name = {model["name"]: model for model in told["models"]}
    assert list(by_name) == [model.name for model in (*zoo.MODELS, *zoo.OTHERS)]
    assert [name for name, model in by_name.items() if model["state"] == "ready"] == [
        zoo.EFFNET,
        MOOD,
    ]
    pb, onnx, about = by_name[MOOD]["files"]
    assert (pb["state"], onnx["state"], about["state"]) == ("missing", "whole", "whole")
    assert pb["expected_sha256"] == zoo.BY_NAME[MOOD].pinned["pb"]
    assert pb["address"].startswith(models.site.address)
    assert json.loads(models("list", "--json", "--models", other)[1])["fetch"] == (
        f"curate models fetch --models {other}"
    )


def test_without_onnxruntime_the_list_says_what_that_costs(
    models: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    models("fetch", "tempo")
    out = models("list")[1]
    assert "onnxruntime is not installed: .pb files are used" in out
    assert "ready (pb)" in out


def test_files_copied_by_hand_are_ready(models: Command) -> None:
    models.folder.mkdir()
    for path in models.standins.iterdir():
        (models.folder / path.name).write_bytes(path.read_bytes())
    out = models("list")[1]
    assert "11 of 11 ready" in out
    assert "to fetch the rest" not in out
    assert not (models.folder / "checksums.json").exists()


# --- accept, and wrong commands -----------------------------------------------------------------


def test_other_versions_can_be_accepted(models: Command) -> None:
    models("fetch", "mood")
    (models.folder / f"{MOOD}.onnx").write_bytes(b"my own weights")
    assert "1 of 11 ready" in models("list")[1]
    code, out, _ = models("accept", "mood")
    assert code == 0
    assert out.splitlines() == [
        f"{models.folder / MOOD}.onnx: accepted as it is",
        f"{models.folder / MOOD}.json: accepted as it is",
    ]
    assert "2 of 11 ready" in models("list")[1]
    code, _, err = models("accept", "genre")
    assert code == 2
    assert "genre_discogs400-discogs-effnet-1: none of its files is in" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "the following arguments are required: ACTION"),
        ("get", "invalid choice: 'get'"),
        ("fetch --backend tf", "invalid choice: 'tf'"),
        ("accept", "the following arguments are required: NAME"),
        ("accept nothing", "no model 'nothing'"),
        *(
            (f"{action} --models {__file__}", "test_models_cli.py: is a file, and models lie in a")
            for action in ("list", "fetch", "accept mood")
        ),
    ],
)
def test_a_wrong_command_is_told(models: Command, arguments: str, words: str) -> None:
    code, out, err = models(*arguments.split())
    assert (code, out) == (2, "")
    assert words in one_line(err)


@pytest.mark.parametrize("action", ["list --json", "fetch mood"])
def test_a_mirror_with_a_secret_is_not_shown(
    models: Command, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    at = models.site.address.replace("://", "://me:hunter2@")
    monkeypatch.setenv(weights.MIRROR, at)
    code, out, err = models(*action.split())
    assert (code, out) == (2, "")
    assert "CURATE_MODELS_URL must be the address of a folder" in one_line(err)
    assert "hunter2" not in err
    assert models.site.asked == []


def test_the_help_names_folder_mirror_and_licence(models: Command) -> None:
    code, out, _ = models("--help")
    assert code == 0
    for word in ("CURATE_MODELS", "CURATE_MODELS_URL", "CC BY-NC-SA 4.0", "fetch", "list"):
        assert word in out
