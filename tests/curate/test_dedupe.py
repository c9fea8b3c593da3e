"""Copies of one recording are one group however they were made; other recordings stay apart."""

import base64
import io
import time
from collections.abc import Iterable

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, Samples

from curate import audio
from curate.labels.essentia import algorithms
from curate.stages import dedupe
from curate.stages.dedupe import Union, decode, groups, same

ITEMS = st.lists(st.integers(0, 2**32 - 1), max_size=60)


def written(items: Iterable[int]) -> str:
    """Compresses items as the format is described, bit by bit."""
    normal, wide, before = [], [], 0
    items = list(items)
    for item in items:
        changed, last = item ^ before, 0
        for place in (bit + 1 for bit in range(32) if changed >> bit & 1):
            distance = place - last
            normal.append(min(distance, 7))
            if distance >= 7:
                wide.append(distance - 7)
            last = place
        normal.append(0)
        before = item
    data = bytes([1]) + len(items).to_bytes(3, "big") + packed(normal, 3) + packed(wide, 5)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def packed(values: list[int], width: int) -> bytes:
    bits = sum(value << width * index for index, value in enumerate(values))
    return bits.to_bytes((width * len(values) + 7) // 8, "little")


def read_bit_by_bit(compressed: str) -> list[int]:
    """A second reader of the format, slow and plain."""
    data = base64.urlsafe_b64decode(compressed + "==")
    bits, place, items = int.from_bytes(data[4:], "little"), 0, []
    distances: list[list[int]] = [[]]
    while len(distances) <= int.from_bytes(data[1:4], "big"):
        value = bits >> place & 7
        place += 3
        distances[-1].append(value) if value else distances.append([])
    place = (place + 7) // 8 * 8
    before = 0
    for item in distances[:-1]:
        bit = -1
        for distance in item:
            if distance == 7:
                distance += bits >> place & 31
                place += 5
            bit += distance
            before ^= 1 << bit
        items.append(before)
    return items


def printed(samples: Samples, rate: int = RATE) -> str:
    single = audio.resample(audio.mono(samples), rate, RATE)
    return str(algorithms().Chromaprinter(sampleRate=RATE)(np.ascontiguousarray(single)))


def coded(samples: Samples, kind: str, subtype: str, rate: int = RATE) -> Samples:
    """Through a codec and back."""
    file = io.BytesIO()
    options = {"samplerate": rate, "channels": samples.shape[1], "subtype": subtype}
    with soundfile.SoundFile(file, "w", format=kind, **options) as out:
        for start in range(0, len(samples), 1 << 15):
            out.write(samples[start : start + (1 << 15)])
    file.seek(0)
    return soundfile.read(file, dtype="float32", always_2d=True)[0]


@pytest.fixture(scope="module")
def prints(songs: dict[str, Samples]) -> dict[str, str]:
    song = songs["song"]
    at_48k = audio.resample(song, RATE, 48000)
    copies = {
        "flac": printed(coded(song, "FLAC", "PCM_16")),
        "mp3": printed(coded(song, "MP3", "MPEG_LAYER_III")),
        "ogg": printed(coded(song, "OGG", "VORBIS")),
        "opus": printed(coded(at_48k, "OGG", "OPUS", 48000), 48000),
        "3 s later": printed(song[3 * RATE :]),
        "2.71 s later": printed(song[round(2.71 * RATE) :]),
        "5 s shorter": printed(song[: -5 * RATE]),
        "half as loud": printed(song * 0.5),
        "at 48 kHz": printed(at_48k, 48000),
        "mono": printed(song.mean(axis=1, keepdims=True)),
        "after silence": printed(np.concatenate([np.zeros((4 * RATE, 2), np.float32), song])),
    }
    return copies | {name: printed(samples) for name, samples in songs.items()}


COPIES = ("flac", "mp3", "ogg", "opus", "mono", "3 s later", "2.71 s later", "5 s shorter")
COPIES += ("half as loud", "at 48 kHz", "after silence")
OTHERS = ("again", "faster", "hana", "higher", "rock")


# --- the format ---------------------------------------------------------------------------------


@given(ITEMS)
def test_what_was_compressed_comes_back(items: list[int]) -> None:
    assert decode(written(items)).tolist() == items
    assert read_bit_by_bit(written(items)) == items


def test_a_real_print_reads_alike_in_both_ways(prints: dict[str, str]) -> None:
    items = decode(prints["song"])
    assert items.dtype == np.uint32
    assert items.tolist() == read_bit_by_bit(prints["song"])
    assert written(items.tolist()) == prints["song"].rstrip("=")


def test_there_are_about_eight_items_a_second(
    prints: dict[str, str], songs: dict[str, Samples]
) -> None:
    seconds = len(songs["song"]) / RATE
    assert len(decode(prints["song"])) == pytest.approx(
        dedupe.ITEMS_PER_SECOND * seconds, abs=dedupe.ITEMS_PER_SECOND * 3
    )


@pytest.mark.parametrize("compressed", ["", "AQAA", "AQAAAA", "AQAAAQ", "AQAA_w"])
def test_nothing_and_a_cut_print_have_no_items(compressed: str) -> None:
    assert decode(compressed).tolist() == []


# --- pairs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_the_same_recording(prints: dict[str, str], copy: str) -> None:
    one, other = decode(prints["song"]), decode(prints[copy])
    error = same(one, other)
    assert error is not None
    assert error < 0.06
    assert same(other, one) == error


@pytest.mark.parametrize("other", OTHERS)
def test_another_performance_or_song_is_not(prints: dict[str, str], other: str) -> None:
    assert same(decode(prints["song"]), decode(prints[other])) is None


def test_a_short_part_in_common_is_not_enough(songs: dict[str, Samples]) -> None:
    """Two songs that share 8 s, as a jingle or a sample."""
    one = np.concatenate([songs["song"][: 8 * RATE], songs["hana"]])
    other = np.concatenate([songs["rock"], songs["song"][: 8 * RATE]])
    assert same(decode(printed(one)), decode(printed(other))) is None


def test_random_items_are_no_copy() -> None:
    draw = np.random.default_rng(1)
    one, other = (draw.integers(0, 2**32, 1000, np.uint32) for _ in range(2))
    other[10:20] = one[10:20]
    assert same(one, other) is None


@pytest.mark.parametrize(("share", "found"), [(0.10, True), (0.15, True), (0.17, False)])
def test_copies_may_differ_in_some_bits(share: float, found: bool) -> None:
    draw = np.random.default_rng(2)
    one = draw.integers(0, 2**32, 1000, np.uint32)
    noisy = np.flatnonzero(draw.random(1000) < 0.7)  # the others hold still, to find the offset by
    flipped = draw.random((len(noisy), 32)) < share / 0.7
    other = one.copy()
    other[noisy] ^= np.packbits(flipped, axis=1).view(np.uint32)[:, 0]
    assert (same(one, other) is not None) == found


@pytest.mark.parametrize(
    ("seconds", "common", "found"),
    [
        (20, 13, False),  # less than 15 s
        (20, 17, True),
        (100, 45, False),  # less than half
        (100, 55, True),
        (10, 8, False),  # of very short ones nearly all
        (10, 9.5, True),
    ],
)
def test_a_copy_has_enough_in_common(seconds: float, common: float, found: bool) -> None:
    draw = np.random.default_rng(5)
    length, shared = (round(each * dedupe.ITEMS_PER_SECOND) for each in (seconds, common))
    one, other = (draw.integers(0, 2**32, length, np.uint32) for _ in range(2))
    other[:shared] = one[length - shared :]
    assert (same(one, other) is not None) == found
    assert (same(other, one) is not None) == found


def test_nothing_is_like_nothing() -> None:
    none, one = np.zeros(0, np.uint32), np.arange(200, dtype=np.uint32)
    assert same(none, none) is None
    assert same(none, one) is None


# --- groups -------------------------------------------------------------------------------------


def grouped(prints: list[str], twins: Iterable[tuple[int, int]] = ()) -> list[list[int]]:
    return groups(len(prints), prints.__getitem__, twins)


def test_all_copies_are_one_group_and_the_others_alone(prints: dict[str, str]) -> None:
    names = list(prints)
    found = [{names[index] for index in group} for group in grouped(list(prints.values()))]
    assert max(found, key=len) == {*COPIES, "song"}
    assert sorted(min(group) for group in found if len(group) == 1) == list(OTHERS)


def test_groups_come_in_the_order_of_the_tracks(prints: dict[str, str]) -> None:
    order = ["rock", "mp3", "hana", "song", "again", "ogg"]
    assert grouped([prints[name] for name in order]) == [[0], [1, 3, 5], [2], [4]]


def test_twins_are_together_though_their_prints_tell_nothing() -> None:
    assert grouped(["", "", written([5, 5])], [(0, 0), (0, 1)]) == [[0, 1], [2]]
    assert grouped(["", ""]) == [[0], [1]]
    assert grouped([]) == []


def test_a_thousand_recordings_are_told_apart_in_a_moment() -> None:
    draw = np.random.default_rng(3)
    bodies = draw.integers(0, 256, (1000, 4000), np.uint8)
    prints = []
    for body in bodies:
        head = bytes([1]) + (1000).to_bytes(3, "big")
        prints.append(base64.urlsafe_b64encode(head + body.tobytes()).decode())
    assert all(len(decode(each)) == 1000 for each in prints[:20])
    begun = time.perf_counter()
    assert grouped(prints) == [[index] for index in range(1000)]
    assert time.perf_counter() - begun < 10


def test_what_many_tracks_share_makes_no_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence and drones: comparing all with all would never end."""
    draw = np.random.default_rng(4)
    common = draw.integers(0, 2**32, 20, np.uint32).tolist()
    prints = [
        written(common + draw.integers(0, 2**32, 100, np.uint32).tolist()) for _ in range(150)
    ]
    asked: list[int] = []
    monkeypatch.setattr(dedupe, "same", lambda one, other: asked.append(1))
    assert len(grouped(prints)) == 150
    assert asked == []


def test_sets_are_joined_over_others() -> None:
    union = Union(range(6))
    for one, other in ((4, 5), (1, 4), (0, 0), (5, 1)):
        union.join(one, other)
    assert union.groups() == [[0], [1, 4, 5], [2], [3]]
    assert [union.find(thing) for thing in range(6)] == [0, 1, 2, 3, 1, 1]
