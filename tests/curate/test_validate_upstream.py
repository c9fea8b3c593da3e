"""audiocraft's parsing, as we tell it, against the installed audiocraft."""

import json
from pathlib import Path
from typing import Any

import handmade
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.records import SPLITS
from curate.validate import upstream

VALUES: list[Any] = [
    None,
    "",
    " ",
    "None",
    "none",
    " None ",
    "Rock",
    " Rock ",
    "Hip Hop",
    "hip hop, jazz",
    "hip hop,jazz",
    "a,,b",
    "a\tb\nc",
    "夜に駆ける",
    "F# minor",
    "A minor, C major",
    "120",
    "120.5",
    "120 BPM",
    "1_20",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "１２０",
    0,
    120,
    120.5,
    -1,
    True,
    False,
    float("nan"),
    float("inf"),
    10**400,
    [],
    [""],
    [None],
    ["None"],
    ["Hip Hop", " Late Night "],
    ["a", 3, None, ["b"], {"c": 1}],
    [120.0],
    {},
    {"a": 1},
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=6,
)


def outcome(function: Any, value: Any) -> Any:
    """What it returns or raises, in a form that can be compared (NaN too)."""
    try:
        return repr(function(value))
    except Exception as error:
        return type(error)


@pytest.fixture(scope="module")
def audiocraft() -> Any:
    pytest.importorskip("torch", reason="audiocraft needs torch; the core is installed without")
    return pytest.importorskip(
        "audiocraft.data.music_dataset", reason="audiocraft is not part of the core installation"
    )


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What audiocraft's wheel lacks: the configuration of its environment."""
    path = tmp_path / "environment.yaml"
    path.write_text("default: {}\n")
    monkeypatch.setenv("AUDIOCRAFT_CONFIG", str(path))
    monkeypatch.setenv("AUDIOCRAFT_CLUSTER", "default")
    from audiocraft.environment import AudioCraftEnvironment

    AudioCraftEnvironment.reset()
    yield
    AudioCraftEnvironment.reset()


@pytest.mark.integration
def test_getters_are_upstream_s_own(audiocraft: Any) -> None:
    from audiocraft.data import info_audio_dataset

    for name, ours in upstream.GETTERS.items():
        theirs = audiocraft.MusicInfo.attribute_getter(name)
        assert theirs.__name__ == ours.__name__
        assert theirs in vars(audiocraft).values() or theirs in vars(info_audio_dataset).values()


@pytest.mark.integration
@pytest.mark.parametrize("name", upstream.GETTERS)
def test_known_values_are_read_alike(audiocraft: Any, name: str) -> None:
    theirs = audiocraft.MusicInfo.attribute_getter(name)
    for value in VALUES:
        assert outcome(upstream.GETTERS[name], value) == outcome(theirs, value), value


@pytest.mark.integration
@settings(max_examples=500, deadline=None)
@given(value=JSON)
def test_any_value_is_read_alike(audiocraft: Any, value: Any) -> None:
    for name, ours in upstream.GETTERS.items():
        theirs = audiocraft.MusicInfo.attribute_getter(name)
        assert outcome(ours, value) == outcome(theirs, value), (name, value)


@pytest.mark.integration
def test_required_fields_are_upstream_s(audiocraft: Any) -> None:
    from audiocraft.data.audio_dataset import AudioMeta

    base = dict.fromkeys(("meta", "seek_time", "n_frames", "total_frames"))
    base |= {"sample_rate": 1, "channels": 1, "audio_tokens": None}
    full = {**base, **dict.fromkeys(upstream.REQUIRED, "")}
    audiocraft.MusicInfo.from_dict(full, fields_required=True)
    assert upstream.music_info(full)
    for name in upstream.REQUIRED:
        lacking = {key: value for key, value in full.items() if key != name}
        with pytest.raises(KeyError, match=name):
            audiocraft.MusicInfo.from_dict(lacking, fields_required=True)
        with pytest.raises(KeyError, match=name):
            upstream.music_info(lacking)
    meta = {"path": "/a.flac", "duration": 1.0, "sample_rate": 1}
    AudioMeta.from_dict(meta)
    for name in upstream.MANIFEST_REQUIRED:
        with pytest.raises(TypeError, match=name):
            AudioMeta.from_dict({key: value for key, value in meta.items() if key != name})


@pytest.mark.integration
def test_a_plain_info_path_stops_audiocraft(audiocraft: Any) -> None:
    from audiocraft.data.audio_dataset import AudioMeta

    meta = {"path": "/a.flac", "duration": 1.0, "sample_rate": 1}
    with pytest.raises(AssertionError):
        AudioMeta.from_dict({**meta, "info_path": "/a.json"})
    assert (
        AudioMeta.from_dict({**meta, "info_path": "/a.zip:b.json"}).info_path.zip_path == "/a.zip"
    )


@pytest.mark.integration
def test_audiocraft_stops_at_an_empty_line(audiocraft: Any, tmp_path: Path) -> None:
    from audiocraft.data.audio_dataset import load_audio_meta

    path = tmp_path / "data.jsonl"
    path.write_text('{"path": "/a.flac", "duration": 1.0, "sample_rate": 1}\n\n')
    with pytest.raises(json.JSONDecodeError):
        load_audio_meta(path)


@pytest.mark.integration
def test_merged_fields_are_upstream_s(audiocraft: Any) -> None:
    values = {"key": "a", "bpm": 1.0, "genre": "b", "moods": ["c"], "instrument": "d"}
    values |= {"keywords": ["e"], "title": "f", "artist": "g", "name": "h", "description": "i"}
    none = dict.fromkeys(("meta", "seek_time", "n_frames", "total_frames", "sample_rate"))
    info = audiocraft.MusicInfo(**none, channels=1, **values)
    merged = audiocraft.augment_music_info_description(info, 1.0, 1.0, 1.0).description
    assert {part.split(":")[0] for part in merged.split(". ")} == set(upstream.MERGED)


@pytest.mark.integration
@pytest.mark.usefixtures("environment")
def test_audiocraft_reads_what_we_say_it_sees(audiocraft: Any, tmp_path: Path) -> None:
    folder = handmade.ours(tmp_path / "kayo")
    for split in SPLITS:
        data = audiocraft.MusicDataset.from_meta(
            folder / "manifests" / split,
            segment_duration=None,
            sample_rate=handmade.RATE,
            channels=1,
            shuffle=False,
        )
        for index in range(len(data)):
            wav, info = data[index]
            sidecar = json.loads(Path(info.meta.path).with_suffix(".json").read_bytes())
            assert wav.shape == (1, handmade.RATE * handmade.SECONDS)
            for name, seen in upstream.music_info(sidecar).items():
                assert getattr(info, name) == seen
                assert seen
