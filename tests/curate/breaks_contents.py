"""One way for each code to break a good dataset: what audiocraft sees, splits, labels, tables."""

import json
import shutil
from pathlib import Path

import handmade
from editing import Break, beside, both, sidecar, train
from handmade import change, change_object, first_clip, reseal, rows, write_audio, write_rows

# what audiocraft sees


def sidecar_missing(folder: Path) -> None:
    sidecar(folder).unlink()


def sidecar_shared(folder: Path) -> None:
    line = rows(train(folder))[0]
    twin = Path(line["path"]).with_suffix(".FLAC")
    shutil.copy(line["path"], twin)
    write_rows(train(folder), [*rows(train(folder)), {**line, "path": str(twin)}])
    reseal(folder)


def sidecar_differs(folder: Path) -> None:
    beside(folder, title="another")


def list_for_string(folder: Path) -> None:
    both(folder, genre=["rock", "jazz"])


def string_for_list(folder: Path) -> None:
    both(folder, moods="late night, calm")


def value_lost(folder: Path) -> None:
    both(folder, bpm="around 120")


def none_literal(folder: Path) -> None:
    both(folder, instrument="None")


def key_with_comma(folder: Path) -> None:
    both(folder, key="A minor, C major")


def bpm_crashes(folder: Path) -> None:
    both(folder, bpm=[96.0, 192.0])


def description_empty(folder: Path) -> None:
    both(folder, description="  ")


def descriptions_differ(folder: Path) -> None:
    both(folder, descriptions=["A wild piece for drums."])
    reseal(folder)


# splits


def copy_clip(folder: Path, split: str, **changes: object) -> Path:
    """A copy of the first training clip under another name in `split`."""
    line = rows(train(folder))[0]
    clip = Path(line["path"])
    twin = clip.with_name("copy_chunk009.flac")
    shutil.copy(clip, twin)
    shared = {"split": split, **changes}
    beside_it = {**json.loads(clip.with_suffix(".json").read_bytes()), **shared}
    twin.with_suffix(".json").write_text(json.dumps(beside_it))
    path = folder / "manifests" / split / "data.jsonl"
    write_rows(path, [*rows(path), {**line, **shared, "path": str(twin)}])
    return twin


def leak_chunk(folder: Path) -> None:
    copy_clip(folder, "test")
    reseal(folder)


def leak_audio(folder: Path) -> None:
    other = rows(folder / "manifests/test/data.jsonl")[0]
    shutil.copy(first_clip(folder), other["path"])
    line = rows(train(folder))[0]
    path = folder / "manifests/test/data.jsonl"
    change(path, 0, lambda row: row.update(amplitude=line["amplitude"]))
    sha = json.loads(sidecar(folder).read_bytes())["audio_sha256"]
    change_object(Path(other["path"]).with_suffix(".json"), lambda r: r.update(audio_sha256=sha))
    reseal(folder)


def leak_track(folder: Path) -> None:
    twin = copy_clip(folder, "test", start=27.0)
    sha, amplitude = write_audio(twin, handmade.noise("fresh"))
    change_object(twin.with_suffix(".json"), lambda row: row.update(audio_sha256=sha))
    change(folder / "manifests/test/data.jsonl", -1, lambda row: row.update(amplitude=amplitude))
    reseal(folder)


def leak_group(folder: Path) -> None:
    change(folder / "tracks.jsonl", -1, lambda row: row.update(group="a"))


def leak_artist(folder: Path) -> None:
    def by_artist(row: dict) -> None:
        row["config"]["split"]["by"] = "artist"

    for index, artist in ((5, "くるり"), (7, "坂本龍一")):
        rename_artist(folder, index, artist)
    change(folder / "tracks.jsonl", 7, lambda row: row.update(featured=["椎名林檎"]))
    change_object(folder / "build.json", by_artist)
    reseal(folder)


def rename_artist(folder: Path, index: int, artist: str) -> None:
    track = rows(folder / "tracks.jsonl")[index]
    change(folder / "tracks.jsonl", index, lambda row: row.update(artist=artist))
    path = folder / "manifests" / track["split"] / "data.jsonl"
    for number, row in enumerate(rows(path)):
        if row["track_id"] == track["id"]:
            change(path, number, lambda row: row.update(artist=artist))
            change_object(Path(row["path"]).with_suffix(".json"), lambda r: r.update(artist=artist))


def chunk_twice(folder: Path) -> None:
    twin = copy_clip(folder, "train")
    sha, amplitude = write_audio(twin, handmade.noise("fresh"))
    change_object(twin.with_suffix(".json"), lambda row: row.update(audio_sha256=sha))
    change(train(folder), -1, lambda row: row.update(amplitude=amplitude))
    reseal(folder)


def audio_twice(folder: Path) -> None:
    copy_clip(folder, "train", start=27.0)
    reseal(folder)


def recording_twice(folder: Path) -> None:
    sha = rows(folder / "tracks.jsonl")[0]["sha256"]
    change(folder / "tracks.jsonl", 2, lambda row: row.update(sha256=sha))


# labels


def label_range(folder: Path) -> None:
    both(folder, bpm=1200.0)


def key_name(folder: Path) -> None:
    both(folder, key="H-Dur")


def class_dominates(folder: Path) -> None:
    for split in ("train", "valid", "test"):
        path = folder / "manifests" / split / "data.jsonl"
        for number, row in enumerate(rows(path)):
            if number == 0 and split == "test":
                continue
            change(path, number, lambda row: row.update(genre="rock"))
            change_object(Path(row["path"]).with_suffix(".json"), lambda r: r.update(genre="rock"))
    reseal(folder)


def labels_sparse(folder: Path) -> None:
    for number in range(13):
        both(folder, number, instrument="")
    reseal(folder)


# the other files


def track_twice(folder: Path) -> None:
    lines = rows(folder / "tracks.jsonl")
    write_rows(folder / "tracks.jsonl", [*lines, lines[0]])


def track_unknown(folder: Path) -> None:
    write_rows(folder / "tracks.jsonl", rows(folder / "tracks.jsonl")[1:])


def track_differs(folder: Path) -> None:
    change(folder / "tracks.jsonl", -1, lambda row: row.update(split="valid"))


def track_chunks(folder: Path) -> None:
    change(folder / "tracks.jsonl", 0, lambda row: row.update(chunks=7))


def counts_differ(folder: Path) -> None:
    change_object(folder / "build.json", lambda row: row["counts"].update(chunks=25))


def fingerprint_differs(folder: Path) -> None:
    wild = "A wild piece for drums."
    both(folder, description=wild, descriptions=[wild])


def dset_invalid(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().removeprefix("# @package __global__\n"))


def dset_path(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().replace("manifests/valid", "manifests/train"))


def dset_limits(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().replace("16000", "8000"))


def dset_padding(folder: Path) -> None:
    path = folder / "dset.yaml"
    path.write_text(path.read_text().replace("min_segment_ratio: 1.0", "min_segment_ratio: 0.8"))


BREAKS: tuple[Break, ...] = (
    sidecar_missing,
    sidecar_shared,
    sidecar_differs,
    list_for_string,
    string_for_list,
    value_lost,
    none_literal,
    key_with_comma,
    bpm_crashes,
    description_empty,
    descriptions_differ,
    leak_chunk,
    leak_audio,
    leak_track,
    leak_group,
    leak_artist,
    chunk_twice,
    audio_twice,
    recording_twice,
    label_range,
    key_name,
    class_dominates,
    labels_sparse,
    track_twice,
    track_unknown,
    track_differs,
    track_chunks,
    counts_differ,
    fingerprint_differs,
    dset_invalid,
    dset_path,
    dset_limits,
    dset_padding,
)
"""Each breaks a dataset of ours in the way its name, a code, says."""
