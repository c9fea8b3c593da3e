"""artists.yaml becomes a Config with its defaults, or an error that says where and what to do."""

import re
from pathlib import Path

import pytest

from curate import cli, config
from curate.config import (
    Artist,
    CaptionOptions,
    ChunkLimits,
    ChunkOptions,
    Config,
    Limits,
    LlmOptions,
    Price,
    SplitOptions,
    TrackLimits,
)
from curate.errors import ConfigError

MINIMAL = """\
name: jpop
rights: private research
artists:
  - name: YOASOBI
    files: [music]
"""

FULL = """\
name: j-pop-2
rights: "bought, for research"
chunk: {seconds: 10.5, tail: align, sample_rate: 44100, channels: 2, format: wav}
split: {by: artist, valid: 0.2, test: 0, seed: 7}
limits:
  track:
    min_seconds: 12
    max_seconds: 600
    min_sample_rate: 22050
    max_channels: 6
    min_loudness_lufs: -40
    max_silence_share: 0.25
    max_clipping_share: 0.01
    min_bandwidth_hz: 8000
    max_dc_offset: 0.05
  chunk: {min_loudness_lufs: -45, max_silence_share: 0.4, max_clipping_share: 0.03}
captions:
  {style: full, language: ja, variants: 2, seed: 3, llm: {model: m, price: {input: 1, output: 2}}}
dedupe: keep
artists:
  - {name: 宇多田ヒカル, files: ["~/a/**/*.flac", b.m3u8], limit: 40}
  - {name: "椎名林檎", files: [c]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "artists.yaml"


def load(file: Path, text: str) -> Config:
    file.write_text(text, "utf-8")
    return config.load(file)


def faults(file: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file, text)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).split("\n")]


def test_the_least_has_every_default(file: Path) -> None:
    assert load(file, MINIMAL) == Config(
        name="jpop",
        rights="private research",
        artists=(Artist("YOASOBI", ("music",)),),
        chunk=ChunkOptions(30.0, "drop", 32000, 1, "flac"),
        split=SplitOptions("track", 0.1, 0.1, 0),
        limits=Limits(
            TrackLimits(None, 1800.0, 16000, 2, -50.0, 0.5, 0.02, 0.0, 0.1),
            ChunkLimits(-50.0, 0.5, 0.05),
        ),
        captions=CaptionOptions("mixed", "en", 1, 0, None),
        dedupe="drop",
    )


def test_every_option_is_read(file: Path) -> None:
    assert load(file, FULL) == Config(
        name="j-pop-2",
        rights="bought, for research",
        artists=(
            Artist("宇多田ヒカル", ("~/a/**/*.flac", "b.m3u8"), limit=40),
            Artist("椎名林檎", ("c",)),
        ),
        chunk=ChunkOptions(10.5, "align", 44100, 2, "wav"),
        split=SplitOptions("artist", 0.2, 0.0, 7),
        limits=Limits(
            TrackLimits(12.0, 600.0, 22050, 6, -40.0, 0.25, 0.01, 8000.0, 0.05),
            ChunkLimits(-45.0, 0.4, 0.03),
        ),
        captions=CaptionOptions("full", "ja", 2, 3, LlmOptions("m", price=Price(1.0, 2.0))),
        dedupe="keep",
    )


def test_a_whole_number_may_be_written_with_a_point(file: Path) -> None:
    found = load(file, MINIMAL + "chunk: {sample_rate: 16000.0}\nsplit: {seed: 2.0}\n")
    assert (found.chunk.sample_rate, found.split.seed) == (16000, 2)
    assert isinstance(found.chunk.sample_rate, int)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("chnk: {seconds: 3}", "6: chnk: unknown key 'chnk'; did you mean 'chunk'?"),
        ("chunk: {second: 3}", "6: chunk.second: unknown key 'second'; did you mean 'seconds'?"),
        ("xyzzy: 1", "6: xyzzy: unknown key 'xyzzy'; known here: name, rights, chunk"),
        ("chunk: {tail: paddd}", "expected one of drop, align, pad; did you mean 'pad'?"),
        ("chunk: {seconds: 0.5}", "6: chunk.seconds: 0.5: must be at least 1"),
        ("chunk: {seconds: 601}", "6: chunk.seconds: 601: must be at most 600"),
        ('chunk: {seconds: "30"}', '6: chunk.seconds: "30": expected number'),
        ("chunk: {seconds: yes}", "6: chunk.seconds: true: expected number"),
        ("chunk: {seconds: }", "6: chunk.seconds: null: expected number"),
        ("chunk:\n  channels: 3", "7: chunk.channels: 3: expected one of 1, 2"),
        ("chunk: {channels: true}", "6: chunk.channels: true: expected one of 1, 2"),
        ("chunk: {sample_rate: 32000.5}", "sample_rate: 32000.5: expected integer"),
        ("split: {valid: 1}", "6: split.valid: 1: must be less than 1"),
        ("split: {valid: -0.1}", "6: split.valid: -0.1: must be at least 0"),
        ("split: [1]", "6: split: [1]: expected object"),
        ("limits: {track: {min_seconds: 0}}", "min_seconds: 0: must be more than 0"),
        ("limits: {chunk: {max_silence_share: 2}}", "max_silence_share: 2: must be at most 1"),
        ("captions: {seed: x}", '6: captions.seed: "x": expected integer'),
        ("dedupe: yes", "6: dedupe: true: expected one of drop, keep"),
        ("split: {valid: 0.6, test: 0.4}", "valid 0.6 + test 0.4 leave nothing to train on"),
        ("limits: {track: {max_seconds: 29}}", "min_seconds 30 is above max_seconds 29"),
    ],
)
def test_a_wrong_option_is_named_with_its_line(file: Path, text: str, fault: str) -> None:
    (found,) = faults(file, f"{MINIMAL}{text}\n")
    assert fault in found
    assert re.match(r"[67]: ", found)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("name: jpop", "name: J Pop", '1: name: "J Pop": must match ^[a-z0-9][a-z0-9-]*$'),
        ("name: jpop", "name: 12", "1: name: 12: expected string"),
        ("name: jpop", f"name: {'x' * 65}", "must have at most 64 characters"),
        ("name: jpop\n", "", "1: top level: 'name' is missing. Name of the dataset"),
        ("rights: private research", "rights: ''", '2: rights: "": must not be empty'),
        ("rights: private research", "rights: ' '", r'2: rights: " ": must match \S'),
        (
            "    files: [music]\n",
            "",
            "4: artists[0]: 'YOASOBI' has no source; give",
        ),
        ("    files: [music]\n", "    files: []\n", "5: artists[0].files: []: needs at least 1"),
        ("    files: [music]\n", "    files: [1]\n", "5: artists[0].files[0]: 1: expected string"),
        ("    files: [music]\n", "    files: music\n", '5: artists[0].files: "music": expected'),
        ("[music]\n", "[music]\n    limt: 4\n", "artists[0].limt: unknown key 'limt'; did you me"),
        ("[music]\n", "[music]\n    limit: 0\n", "6: artists[0].limit: 0: must be at least 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(file: Path, old: str, new: str, fault: str) -> None:
    assert old in MINIMAL
    found = faults(file, MINIMAL.replace(old, new))
    assert any(line.startswith(fault) or fault in line for line in found), found


def test_an_artist_listed_twice_is_refused(file: Path) -> None:
    text = MINIMAL + "  - name: YOASOBI\n    files: [more]\n"
    (found,) = faults(file, text)
    wanted = "6: artists[1].name: 'YOASOBI' is listed twice; put all its files under one entry"
    assert found == wanted


def test_all_faults_are_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    artists = "".join(f"  - {{name: A{n}, files: []}}\n" for n in range(11))
    found = faults(file, f"split: {{by: x}}\nname: X\nartists:\n{artists}chunk: {{seconds: 0}}\n")
    places = [re.sub(r"^(\d+: .+?): .*", r"\1", line) for line in found]
    assert places[0] == "1: top level"  # `rights` is missing
    assert places[1:3] == ["1: split.by", "2: name"]
    assert places[3:14] == [f"{4 + n}: artists[{n}].files" for n in range(11)]
    assert places[14:] == ["15: chunk.seconds"]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
@pytest.mark.parametrize(
    "place",
    [
        "chunk: {{seconds: {}}}",
        "split: {{valid: {}}}",
        "limits: {{track: {{max_seconds: {}}}}}",
        "limits: {{track: {{min_loudness_lufs: {}}}}}",
        "limits: {{chunk: {{max_clipping_share: {}}}}}",
    ],
)
def test_no_limit_is_nan_or_infinite(file: Path, place: str, number: str) -> None:
    (found,) = faults(file, f"{MINIMAL}{place.format(number)}\n")
    assert re.match(r"6:\d+: not valid YAML: ", found)
    assert f"{number} is no number to work with" in found


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ("", 30.0),
        ("chunk: {seconds: 12}", 12.0),
        ("chunk: {seconds: 12, tail: align}", 12.0),
        ("chunk: {seconds: 12, tail: pad}", 1.0),
        ("limits: {track: {min_seconds: 45}}", 45.0),
        ("chunk: {tail: pad}\nlimits: {track: {min_seconds: 45}}", 45.0),
    ],
)
def test_the_shortest_track_follows_from_the_clips(
    file: Path, options: str, seconds: float
) -> None:
    assert load(file, f"{MINIMAL}{options}\n").min_seconds == seconds


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("mood", '6: labels: "mood": expected signal or all or a list; write [mood]. What is'),
        ("moods", '"moods": expected signal or all or a list; write [mood]. What is'),
        ("sinal", "expected signal or all or a list; did you mean 'signal'?. What is"),
        ("xyzzy", '6: labels: "xyzzy": expected signal or all or a list. What is'),
        ("{models: mood}", '6: labels.models: "mood": expected signal or all or a list; write [mo'),
        ("[all]", '6: labels[0]: "all": expected one of genre, mood,'),
        ("[all]", "for everything write: all, for nothing: signal"),
        (
            "{mood: {threshold: 0.08}}",
            "6: labels.mood.threshold: no model is asked; add `models: all` beside it, or a list",
        ),
        ("{floor: 0.02}", "6: labels.floor: no model is asked; add `models: all` beside it"),
        (
            "{models: [genre], mood: {threshold: 0.08}}",
            "6: labels.mood.threshold: no model is asked for mood; add it to labels.models",
        ),
        (
            "{models: all, floor: 0.08, mood: {threshold: 0.07}, voice: {threshold: 0}}",
            "6: labels.floor: 0.08 is above the threshold of mood (0.07), voice (0): scores "
            "between are not kept, so none is asserted; lower the floor",
        ),
        ("{vocabulary: nope.yaml}", "6: labels.vocabulary: FOLDER/nope.yaml: no such file"),
        ("{vocabulary: .}", "6: labels.vocabulary: FOLDER: is no file, but a folder or a device"),
        ("{vocabulary: empty.yaml}", "FOLDER/empty.yaml: the file is empty; write lines as in"),
        ("{vocabulary: words.yaml}", "6: labels.vocabulary: FOLDER/words.yaml:2: no class 'drak'"),
    ],
)
def test_labels_that_would_not_be_as_meant_are_told(file: Path, labels: str, told: str) -> None:
    (file.parent / "empty.yaml").touch()
    (file.parent / "words.yaml").write_text("mood:\n  drak: gloomy\n")
    (found,) = faults(file, f"{MINIMAL}labels: {labels}\n")
    assert told.replace("FOLDER", str(file.parent)) in found


@pytest.mark.parametrize(
    "labels",
    [
        "{genre: {most: 2}}",  # tags count too
        "{key: {threshold: 0.5}, tempo: {threshold: 0.2}}",
        "{models: signal, mood: {threshold: 0.08}, floor: 0.1}",
        "{models: [], mood: {threshold: 0.08}}",
        "{models: [genre], floor: 0.1}",  # moods, whose threshold is lower, are not asked for
        "{models: [genre, tempo], genre: {threshold: 0.2}, floor: 0.2, tempo: {threshold: 0.1}}",
        "[mood]",
    ],
)
def test_labels_that_are_as_meant_are_right(file: Path, labels: str) -> None:
    assert load(file, f"{MINIMAL}labels: {labels}\n").labels.key.threshold > 0


def test_a_vocabulary_is_told_beside_the_other_faults(file: Path) -> None:
    found = faults(
        file, f"{MINIMAL}labels: {{vocabulary: x.yaml}}\nsplit: {{valid: 0.6, test: 0.5}}"
    )
    assert [line.split(":")[0] for line in found] == ["6", "7"]


def test_the_example_of_the_command_line_is_right(file: Path) -> None:
    example = cli._BUILD.split("A minimal artists.yaml:")[1].split("Everything else")[0]
    found = load(file, "\n".join(line[2:] for line in example.splitlines()))
    assert found.name == "jpop"
    assert found.artists == (Artist("YOASOBI", ("~/music/yoasobi/**/*.flac",)),)


def test_the_demo_is_right() -> None:
    demo = Path(config.__file__).parents[2] / "datasets" / "demo" / "artists.yaml"
    found = config.load(demo)
    assert found.chunk == ChunkOptions()
    assert len(found.artists) >= 5


def test_a_wrong_language_is_told_with_all_other_faults(tmp_path: Path) -> None:
    path = tmp_path / "artists.yaml"
    path.write_text(MINIMAL + "captions: {language: jp}\nchnk: {}\n")
    with pytest.raises(ConfigError) as told:
        config.load(path)
    first, second = str(told.value).splitlines()
    assert first.endswith("captions.language: no language 'jp'; there are en, ja")
    assert "unknown key 'chnk'" in second
