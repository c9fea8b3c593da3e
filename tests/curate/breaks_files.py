"""One way for each code to break a good dataset: files, lines and audio."""

import gzip
import hashlib
import shutil
from pathlib import Path

import handmade
import numpy as np
import soundfile
from editing import Break, beside, both, in_line, sidecar, store_sound, train
from handmade import change, change_object, first_clip, reseal, rows, write_audio, write_rows

# files and lines


def not_a_dataset(folder: Path) -> None:
    shutil.rmtree(folder)


def file_missing(folder: Path) -> None:
    (folder / "rejected.jsonl").unlink()


def file_unreadable(folder: Path) -> None:
    (folder / "DATASHEET.md").unlink()
    (folder / "DATASHEET.md").mkdir()


def file_orphaned(folder: Path) -> None:
    shutil.copy(first_clip(folder), folder / "audio" / "left over.flac")


def manifest_shadowed(folder: Path) -> None:
    (train(folder).parent / "data.jsonl.gz").write_bytes(gzip.compress(b""))


def split_empty(folder: Path) -> None:
    (folder / "manifests/test/data.jsonl").write_bytes(b"")


def split_substituted(folder: Path) -> None:
    lost = {row["track_id"] for row in rows(folder / "manifests/test/data.jsonl")}
    for path in {Path(r["path"]).parent for r in rows(folder / "manifests/test/data.jsonl")}:
        shutil.rmtree(path)
    (folder / "manifests/test/data.jsonl").write_bytes(b"")
    kept = [row for row in rows(folder / "tracks.jsonl") if row["id"] not in lost]
    write_rows(folder / "tracks.jsonl", kept)
    dset = folder / "dset.yaml"
    dset.write_text(dset.read_text().replace("manifests/test", "manifests/train"))
    reseal(folder)


def not_utf8(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes().replace("夜".encode(), b"\xff\xfe", 1))


def not_json(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes()[:-40])


def line_blank(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes() + b"\n")


def line_too_long(folder: Path) -> None:
    with train(folder).open("ab") as file:
        file.write(b'{"path": "' + b"x" * (10 << 20) + b'"}\n')


def key_twice(folder: Path) -> None:
    train(folder).write_bytes(train(folder).read_bytes().replace(b"{", b'{"bpm": 96.0, ', 1))


def not_finite(folder: Path) -> None:
    path = sidecar(folder)
    path.write_bytes(path.read_bytes().replace(b'"bpm": 96.0', b'"bpm": NaN'))


def schema(folder: Path) -> None:
    both(folder, description_of_mood="calm")


# manifest lines


def field_missing(folder: Path) -> None:
    change_object(sidecar(folder), lambda row: row.pop("moods"))


def field_type(folder: Path) -> None:
    both(folder, duration="1.0")


def duration_invalid(folder: Path) -> None:
    both(folder, duration=0.0)


def weight_invalid(folder: Path) -> None:
    in_line(folder, weight=-1.0)


def info_path_crashes(folder: Path) -> None:
    in_line(folder, info_path=str(sidecar(folder)))


def wrong_split(folder: Path) -> None:
    both(folder, split="valid")


def path_relative(folder: Path) -> None:
    relative = str(first_clip(folder).relative_to(folder))
    in_line(folder, path=relative)


def path_outside(folder: Path) -> None:
    clip = first_clip(folder)
    away = folder.parent / "away" / clip.name
    away.parent.mkdir()
    clip.rename(away)
    clip.with_suffix(".json").rename(away.with_suffix(".json"))
    in_line(folder, path=str(away))


def path_twice(folder: Path) -> None:
    lines = rows(train(folder))
    write_rows(train(folder), [*lines, lines[0]])
    reseal(folder)


def dataset_moved(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)  # so that the caller still finds it
    for path in (*elsewhere.rglob("data.jsonl"), elsewhere / "dset.yaml"):
        path.write_text(path.read_text("utf-8").replace(str(folder), "/gone/kayo"), "utf-8")


# audio


def audio_missing(folder: Path) -> None:
    first_clip(folder).unlink()


def audio_unreadable(folder: Path) -> None:
    first_clip(folder).write_text("this is no audio")


def duration_differs(folder: Path) -> None:
    samples = handmade.noise("longer")
    store_sound(folder, samples[:-160])


def sample_rate_differs(folder: Path) -> None:
    both(folder, sample_rate=44100)


def not_as_configured(folder: Path) -> None:
    store_sound(folder, np.stack([handmade.noise(1), handmade.noise(2)], axis=1))


def formats_mixed(folder: Path) -> None:
    samples = handmade.noise("other", 30.0, 16000)
    write_audio(folder / "clips" / "train0.wav", samples, 16000)
    change(folder / "train/data.jsonl", 0, lambda row: row.update(sample_rate=16000))


def chunk_short(folder: Path) -> None:
    store_sound(folder, handmade.noise("short")[: handmade.RATE // 2])
    both(folder, duration=0.5)
    reseal(folder)


def chunk_silent(folder: Path) -> None:
    store_sound(folder, 0.0005 * np.sign(handmade.noise("quiet")))


def chunk_clipped(folder: Path) -> None:
    store_sound(folder, np.clip(np.repeat(handmade.noise("loud")[::4] * 20, 4), -1, 1))


def audio_broken(folder: Path) -> None:
    clip = first_clip(folder)
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    clip.write_bytes(data[: len(data) * 2 // 3])


def audio_not_finite(folder: Path) -> None:
    clip = first_clip(folder)
    samples = handmade.noise("nan")
    samples[100] = np.nan
    sidecar(folder).rename(clip.with_suffix(".json.kept"))
    clip.unlink()
    wav = clip.with_suffix(".wav")
    soundfile.write(wav, samples, handmade.RATE, subtype="FLOAT")
    wav.rename(clip)
    clip.with_suffix(".json.kept").rename(clip.with_suffix(".json"))
    beside(folder, audio_sha256=hashlib.sha256(clip.read_bytes()).hexdigest())
    reseal(folder)


def audio_changed(folder: Path) -> None:
    clip = first_clip(folder)
    samples = handmade.noise((rows(train(folder))[0]["track_id"], 0))
    samples[: handmade.RATE // 2] *= 0.5
    _, amplitude = write_audio(clip, samples)
    in_line(folder, amplitude=amplitude)
    reseal(folder)


def amplitude_differs(folder: Path) -> None:
    in_line(folder, amplitude=0.9)
    reseal(folder)


BREAKS: tuple[Break, ...] = (
    not_a_dataset,
    file_missing,
    file_unreadable,
    file_orphaned,
    manifest_shadowed,
    split_empty,
    split_substituted,
    not_utf8,
    not_json,
    line_blank,
    line_too_long,
    key_twice,
    not_finite,
    schema,
    field_missing,
    field_type,
    duration_invalid,
    weight_invalid,
    info_path_crashes,
    wrong_split,
    path_relative,
    path_outside,
    path_twice,
    dataset_moved,
    audio_missing,
    audio_unreadable,
    duration_differs,
    sample_rate_differs,
    not_as_configured,
    chunk_short,
    chunk_silent,
    chunk_clipped,
    audio_broken,
    audio_not_finite,
    audio_changed,
    amplitude_differs,
)
"""Each breaks a dataset of ours in the way its name, a code, says."""

FOREIGN: tuple[Break, ...] = (formats_mixed,)
"""Likewise for a dataset of others, where ours cannot be broken that way."""
