"""Every format that is promised: whole, in its true length, with its tags, by one real build."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brokenfiles
import mutagen
import mutagen.aiff
import mutagen.asf
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.wave
import numpy as np
import pytest
import rig
import soundfile

pytestmark = pytest.mark.integration

SECONDS = 5.0
TITLE, ARTIST, ALBUM, GENRE = "夜に駆ける", "幾田りら", "はじめての恋が終わる時", "ジェイポップ"


def vorbis(path: Path) -> None:
    file = mutagen.File(path)
    file["title"], file["artist"], file["album"] = TITLE, ARTIST, ALBUM
    file["genre"], file["date"], file["license"] = GENRE, "2019-12-15", "CC BY 4.0"
    file.save()


def id3(path: Path) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for frame in (
        mutagen.id3.TIT2(3, [TITLE]),
        mutagen.id3.TPE1(3, [ARTIST]),
        mutagen.id3.TALB(3, [ALBUM]),
        mutagen.id3.TCON(3, [GENRE]),
        mutagen.id3.TDRC(3, ["2019-12-15"]),
        mutagen.id3.WCOP("CC BY 4.0"),
    ):
        file.tags.add(frame)
    file.save()


def mp4(path: Path) -> None:
    file = mutagen.mp4.MP4(path)
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"] = TITLE, ARTIST, ALBUM
    file["\xa9gen"], file["\xa9day"] = GENRE, "2019-12-15"
    file["----:com.apple.iTunes:LICENSE"] = b"CC BY 4.0"
    file.save()


def asf(path: Path) -> None:
    file = mutagen.asf.ASF(path)
    file["Title"], file["Author"], file["WM/AlbumTitle"] = TITLE, ARTIST, ALBUM
    file["WM/Genre"], file["WM/Year"], file["LICENSE"] = GENRE, "2019", "CC BY 4.0"
    file.save()


def untagged(path: Path) -> None:
    pass


@dataclasses.dataclass(frozen=True)
class Kind:
    """How one file is made, and what is expected of it."""

    name: str
    tag: Callable[[Path], None] = untagged
    rate: int = 44100
    channels: int = 2
    subtype: str = ""
    codec: str = ""
    format: str = ""
    metadata: bool = False

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        samples = rig.tune(brokenfiles.number(path), SECONDS, self.rate, self.channels)
        if self.codec:
            about = {"title": TITLE, "artist": ARTIST, "album": ALBUM, "genre": GENRE}
            about |= {"date": "2019-12-15", "license": "CC BY 4.0"}
            tags = about if self.metadata else None
            rig.encode(path, samples, self.rate, self.codec, tags)
        else:
            how: dict[str, Any] = {"subtype": self.subtype or None, "format": self.format or None}
            soundfile.write(path, samples, self.rate, **how)
        self.tag(path)
        return path


KINDS = (
    Kind("16.wav", id3, channels=1),
    Kind("24.wav", id3, 96000, subtype="PCM_24"),
    Kind("32.wav", id3, 48000, subtype="PCM_32"),
    Kind("float.wav", id3, 48000, subtype="FLOAT"),
    Kind("double.wav", id3, 88200, 1, "DOUBLE"),
    Kind("8.wav", id3, 22050, 1, "PCM_U8"),
    Kind("adpcm.wav", channels=1, subtype="MS_ADPCM"),
    Kind("extensible.wav", format="WAVEX"),
    Kind("rf64.wav", format="RF64"),
    Kind("16.flac", vorbis),
    Kind("24.flac", vorbis, 96000, subtype="PCM_24"),
    Kind("192.flac", vorbis, 192000, 1, "PCM_24"),
    Kind("stereo.mp3", id3),
    Kind("mono 48.mp3", id3, 48000, 1),
    Kind("no index.mp3", id3, codec="libmp3lame"),
    Kind("stereo.ogg", vorbis),
    Kind("mono 32.ogg", vorbis, 32000, 1),
    Kind("stereo.opus", vorbis, 48000, format="OGG", subtype="OPUS"),
    Kind("ffmpeg.opus", vorbis, 48000, codec="libopus"),
    Kind("stereo.m4a", mp4, codec="aac"),
    Kind("mono 48.m4a", mp4, 48000, 1, codec="aac"),
    Kind("lossless.m4a", mp4, codec="alac"),
    Kind("stereo.aac", codec="aac"),
    Kind("16.aiff", id3),
    Kind("24.aif", id3, 48000, 1, "PCM_24", format="AIFF"),
    Kind("opus.webm", rate=48000, codec="libopus", metadata=True),
    Kind("mono opus.webm", rate=48000, channels=1, codec="libopus", metadata=True),
    Kind("old.wma", asf, codec="wmav2"),
    Kind("apple.caf"),
    Kind("sun.au"),
    Kind("pack.wv", codec="wavpack"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    music = folder / "music"
    music.mkdir()
    for kind in KINDS:
        kind.write(music)
    brokenfiles.wav(length=lambda true: 0xFFFFFFFF)(music / "streamed.wav")
    rig.build(rig.recipe(folder, {"YOASOBI": ["music"]}))
    return folder / "build"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_format_is_read_whole(built: Path, kind: Kind) -> None:
    about = [row for row in rig.rejected(built) if row["uri"] == f"music/{kind.name}"]
    assert not about
    track = rig.tracks(built)[f"music/{kind.name}"]
    inspection = track["inspection"]
    # lossy encoders pad to whole frames, of 2048 samples at most, and add a delay of as much
    exact = not kind.codec and not kind.name.endswith((".mp3", ".ogg", ".opus", "adpcm.wav"))
    assert inspection["duration_s"] == pytest.approx(SECONDS, abs=1e-6 if exact else 0.13)
    assert (inspection["sample_rate"], inspection["channels"]) == (kind.rate, kind.channels)
    assert track["chunks"] == 2
    assert -30 < inspection["loudness_lufs"] < -5


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.tag is not untagged or k.metadata], ids=lambda kind: kind.name
)
def test_tags_are_read(built: Path, kind: Kind) -> None:
    track = rig.tracks(built)[f"music/{kind.name}"]
    tags = track["tags"]
    assert (tags["title"], tags["artists"], tags["album"]) == (TITLE, [ARTIST], ALBUM)
    assert (tags["genres"], tags["year"]) == ([GENRE], 2019)
    assert (track["licence"], track["licence_source"]) == ("CC BY 4.0", "tag")
    assert (track["title"], track["artist"], track["featured"]) == (TITLE, "YOASOBI", [ARTIST])


def test_wav_without_a_length_is_used_whole(built: Path) -> None:
    track = rig.tracks(built)["music/streamed.wav"]
    assert track["inspection"]["duration_s"] == pytest.approx(brokenfiles.SECONDS)


def test_clips_hold_the_sound_of_their_file(built: Path) -> None:
    """The lossless formats give the very samples; the lossy ones the same sound."""
    lines = [line for split in rig.clips(built).values() for line in split]
    for kind in (k for k in KINDS if k.name in {"16.flac", "16.aiff", "lossless.m4a"}):
        track = rig.tracks(built)[f"music/{kind.name}"]
        first = min((x for x in lines if x["track_id"] == track["id"]), key=lambda x: x["start"])
        clip, rate = soundfile.read(first["path"])
        wanted = rig.tune(brokenfiles.number(Path(kind.name)), SECONDS, kind.rate, 2)[:, 0]
        assert (rate, len(clip)) == (32000, 64000)
        spectrum = np.abs(np.fft.rfft(clip))[: 2 * 10000]
        truth = np.abs(np.fft.rfft(wanted[: 2 * kind.rate]))[: 2 * 10000] * rate / kind.rate
        assert np.corrcoef(spectrum, truth)[0, 1] > 0.999


def test_the_result_is_valid(built: Path) -> None:
    done = rig.curate("validate", "--deep", "--json", built)
    errors = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]
    assert errors == []
