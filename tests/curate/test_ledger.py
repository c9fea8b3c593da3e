"""What is known of a track stays known until what it was made of changes."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from curate.building.catalog import Catalog
from curate.building.ledger import MAX_ATTEMPTS, TRANSIENT, Item, Ledger
from curate.building.work import Known, Outcome
from curate.captions import template
from curate.captions.author import Author
from curate.config import (
    Artist,
    CaptionOptions,
    ChunkOptions,
    Config,
    Limits,
    SplitOptions,
    TrackLimits,
)
from curate.errors import AudioError, CurateError
from curate.records import (
    Chunk,
    Chunked,
    Inspection,
    Label,
    Rejection,
    Track,
    TrackLabels,
)
from curate.stages import caption, classify, fetch

CONFIG = Config("x", "r", (Artist("A", ("a",)),))
TRACK = Track("46ed4a29f62f", "files", "a.flac", "YOASOBI", "夜に駆ける")
INSPECTION = Inspection(60.0, 44100, 2, -14.0, -1.0, 0.0, 0.0, 20000.0, 0.0, 0)
LABELS = TrackLabels((Label("key", "A minor", "signal.bgate", 0.9),), "print")
CLIP = Chunk("46ed4a29f62f_000", 0, 0, 30, 0, "audio/a/b/c.flac", 4, "s", 0.5, -14, 0, 0, ())
CHUNKED = Chunked((CLIP,), ())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.flac"
    path.write_bytes(b"sound")
    return path


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.sqlite") as made:
        yield made


def item(file: Path) -> Item:
    return Item(0, TRACK, file, fetch.fingerprint(fetch.look(file)))


def ledger(catalog: Catalog, config: Config = CONFIG) -> Ledger:
    return Ledger(catalog, config, catalog.path.parent)


def all_of(file: Path) -> Known:
    return Known(fetch.fetch(file, fetch.look(file)), INSPECTION, LABELS, classify.NOTHING, CHUNKED)


def worked(catalog: Catalog, file: Path, known: Known | None = None) -> Known:
    known = known or all_of(file)
    ledger(catalog).store(item(file), Known(), Outcome(known, 60.0))
    return known


def failed(catalog: Catalog, file: Path, code: str) -> Rejection:
    rejection = Rejection(TRACK.id, "worker", code, "because")
    ledger(catalog).store(item(file), Known(), Outcome(Known(), 0.0, rejection))
    return rejection


# --- knowing ------------------------------------------------------------------------------------


def test_of_a_new_track_nothing_is_known(catalog: Catalog, file: Path) -> None:
    assert ledger(catalog).known(item(file)) == Known()
    assert Known().complete is None


def test_what_a_worker_found_is_known(catalog: Catalog, file: Path) -> None:
    known = worked(catalog, file)
    assert ledger(catalog).known(item(file)) == known
    assert ledger(catalog).judge(item(file)) == (known, None)
    assert ledger(catalog).print_of(item(file)) == "print"


def test_half_of_the_work_is_known_too(catalog: Catalog, file: Path) -> None:
    known = worked(catalog, file, replace(all_of(file), chunked=None))
    assert ledger(catalog).known(item(file)) == known
    assert known.complete is None
    with pytest.raises(CurateError, match=r"changed on disk during the build; build again"):
        ledger(catalog).complete(item(file))


@pytest.mark.parametrize("missing", ["fetched", "inspection", "labels", "chunked"])
def test_work_is_complete_when_nothing_is_missing(file: Path, missing: str) -> None:
    assert all_of(file).complete is not None
    assert replace(all_of(file), **{missing: None}).complete is None


def test_a_touched_file_stays_known(catalog: Catalog, file: Path) -> None:
    known = worked(catalog, file)
    os.utime(file, (1, 1))
    assert ledger(catalog).known(item(file)) == replace(
        known, fetched=replace(known.fetched, mtime_ns=1_000_000_000)
    )


def test_a_touched_file_is_read_only_once(
    catalog: Catalog, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(catalog, file)
    os.utime(file, (1, 1))
    ledger(catalog).known(item(file))
    monkeypatch.setattr(fetch, "fetch", None)
    assert ledger(catalog).known(item(file)).complete is not None


def test_of_changed_bytes_only_the_file_is_known(catalog: Catalog, file: Path) -> None:
    worked(catalog, file)
    file.write_bytes(b"other")
    found = ledger(catalog).known(item(file))
    assert found == Known(fetched=fetch.fetch(file, fetch.look(file)), classified=classify.NOTHING)


def test_bytes_that_come_back_are_known_again_but_for_the_clips(
    catalog: Catalog, file: Path
) -> None:
    """Clips of the other bytes have been written over those of the first."""
    worked(catalog, file)
    file.write_bytes(b"other")
    worked(catalog, file)
    file.write_bytes(b"sound")
    found = ledger(catalog).known(item(file))
    assert (found.inspection, found.labels, found.chunked) == (INSPECTION, LABELS, None)


@pytest.mark.parametrize(
    ("config", "clips"),
    [
        (replace(CONFIG, chunk=ChunkOptions(seconds=10.0)), False),
        (replace(CONFIG, captions=CaptionOptions(seed=1), split=SplitOptions(seed=1)), True),
        (replace(CONFIG, name="y", dedupe="keep"), True),
    ],
)
def test_other_options_cost_only_what_they_shape(
    catalog: Catalog, file: Path, config: Config, clips: bool
) -> None:
    worked(catalog, file)
    found = ledger(catalog, config).known(item(file))
    assert (found.inspection, found.labels) == (INSPECTION, LABELS)
    assert (found.chunked is not None) == clips


# --- judging ------------------------------------------------------------------------------------


def test_stricter_limits_turn_a_known_track_away(catalog: Catalog, file: Path) -> None:
    worked(catalog, file)
    strict = replace(CONFIG, limits=Limits(TrackLimits(min_loudness_lufs=-10.0)))
    known, rejected = ledger(catalog, strict).judge(item(file))
    assert known == Known()
    assert rejected is not None
    assert (rejected.code, rejected.stage, rejected.value) == ("too_quiet", "inspect", -14.0)
    assert ledger(catalog).judge(item(file))[1] is None


def test_a_track_without_clips_is_rejected_with_what_is_known(catalog: Catalog, file: Path) -> None:
    lost = Rejection(CLIP.id, "chunk", "chunk_silent", "because")
    known = worked(catalog, file, replace(all_of(file), chunked=Chunked((), (lost,))))
    found, rejected = ledger(catalog).judge(item(file))
    assert found == known
    assert rejected is not None
    assert (rejected.code, rejected.stage, rejected.title) == ("no_chunks", "chunk", TRACK.title)


@pytest.mark.parametrize("code", ["not_audio", "truncated", "silent", "too_short"])
def test_what_will_not_change_is_not_tried_again(catalog: Catalog, file: Path, code: str) -> None:
    rejection = failed(catalog, file, code)
    assert ledger(catalog).judge(item(file)) == (Known(), rejection)


@pytest.mark.parametrize("code", sorted(TRANSIENT))
def test_what_may_change_is_tried_three_times(catalog: Catalog, file: Path, code: str) -> None:
    for _ in range(3):
        assert ledger(catalog).judge(item(file)) == (Known(), None)
        rejection = failed(catalog, file, code)
    assert ledger(catalog).judge(item(file)) == (Known(), rejection)


def test_a_changed_file_or_limit_is_tried_again(catalog: Catalog, file: Path) -> None:
    failed(catalog, file, "silent")
    wider = replace(CONFIG, limits=Limits(TrackLimits(max_silence_share=0.9)))
    assert ledger(catalog, wider).judge(item(file)) == (Known(), None)
    file.write_bytes(b"new sound")
    assert ledger(catalog).judge(item(file)) == (Known(), None)


def test_success_makes_good_for_earlier_failures(catalog: Catalog, file: Path) -> None:
    for _ in range(MAX_ATTEMPTS - 1):
        failed(catalog, file, "worker_timeout")
    known = worked(catalog, file)
    failed(catalog, file, "worker_timeout")
    assert ledger(catalog).judge(item(file)) == (known, None)


def test_what_was_learned_before_a_failure_is_kept(catalog: Catalog, file: Path) -> None:
    half = Known(all_of(file).fetched, INSPECTION, classified=classify.NOTHING)
    lost = Rejection(TRACK.id, "worker", "worker_crashed", "because")
    ledger(catalog).store(item(file), Known(), Outcome(half, 60.0, lost))
    assert ledger(catalog).judge(item(file)) == (half, None)


def test_a_file_that_is_gone_is_a_rejection(catalog: Catalog, file: Path) -> None:
    worked(catalog, file)
    gone = replace(item(file), on_disk="another state")
    file.unlink()
    known, rejected = ledger(catalog).judge(gone)
    assert known == Known()
    assert rejected is not None
    assert rejected.code == "missing"


# --- clips and captions -------------------------------------------------------------------------


def test_clips_are_there_in_their_size(catalog: Catalog, tmp_path: Path) -> None:
    made = ledger(catalog)
    assert not made.clips_there(CHUNKED)
    (tmp_path / CLIP.path).parent.mkdir(parents=True)
    for data, there in ((b"1234", True), (b"12345", False), (b"", False)):
        (tmp_path / CLIP.path).write_bytes(data)
        assert made.clips_there(CHUNKED) == there
    assert made.clips_there(Chunked((), ()))


def test_clips_are_noted_as_ours(catalog: Catalog, file: Path) -> None:
    worked(catalog, file)
    assert catalog.unnamed_files() == [CLIP.path]


def test_the_job_is_what_is_left(catalog: Catalog, file: Path) -> None:
    known = worked(catalog, file)
    made = ledger(catalog)
    job = made.job(item(file), made.without_clips(known))
    assert (job.index, job.track, job.path, job.config) == (0, TRACK, file, CONFIG)
    assert job.known == replace(known, chunked=None)


def test_captions_are_made_once(
    catalog: Catalog, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = worked(catalog, file).complete
    assert complete is not None
    said = ledger(catalog).statements(item(file), complete)
    about, author = ledger(catalog).sayable(item(file), complete, said), Author(CaptionOptions())
    made = ledger(catalog).captions(item(file), about, author)
    assert made.captions[0].texts == (template.caption(about.facts[0], CLIP.id, CaptionOptions()))
    monkeypatch.setattr(caption, "caption", None)
    assert ledger(catalog).captions(item(file), about, author) == made
    other = ledger(catalog, replace(CONFIG, captions=CaptionOptions(seed=1)))
    with pytest.raises(TypeError):
        other.captions(item(file), about, author)


# --- the file on disk ---------------------------------------------------------------------------


def code_of(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        fetch.look(path)
    return caught.value.code


def test_what_is_no_file_has_a_code(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "folder.mp3").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    codes = {path.name: code_of(path) for path in tmp_path.iterdir()}
    assert codes == {
        "empty": "empty_file",
        "folder.mp3": "not_a_file",
        "pipe": "not_a_file",
        "dangling": "missing",
        "loop": "unreadable",
    }
    with pytest.raises(AudioError, match="a link that leads to itself"):
        fetch.look(tmp_path / "loop")
    with pytest.raises(AudioError, match="a link to a file that is gone"):
        fetch.look(tmp_path / "dangling")
    assert code_of(tmp_path / "none") == "missing"
    assert code_of(tmp_path / "a\0b") == "missing"
    assert code_of(tmp_path / ("x" * 300)) == "unreadable"


def test_a_file_is_fetched_with_its_hash_and_type(tmp_path: Path) -> None:
    path = tmp_path / "A.FLAC"
    path.write_bytes(b"sound")
    os.utime(path, ns=(5, 7))
    found = fetch.fetch(path, fetch.look(path))
    assert found.sha256 == hashlib.sha256(b"sound").hexdigest()
    assert (found.size_bytes, found.mtime_ns, found.suffix) == (5, 7, "flac")


def test_the_state_on_disk_is_size_and_time(tmp_path: Path) -> None:
    names = set()
    for data, when in ((b"a", 1), (b"b", 1), (b"ab", 1), (b"a", 2)):
        (tmp_path / "a").write_bytes(data)
        os.utime(tmp_path / "a", ns=(when, when))
        names.add(fetch.fingerprint(fetch.look(tmp_path / "a")))
    assert len(names) == 3
