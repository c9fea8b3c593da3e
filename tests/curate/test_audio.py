"""Every format is decoded whole or refused with a code; what is made of it is exact."""

import struct
from pathlib import Path

import mutagen.id3
import numpy as np
import pytest
import sounds
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE

from curate import audio
from curate.errors import AudioError


def code_of(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        audio.read(path)
    assert caught.value.reason
    return caught.value.code


def loudest_hertz(samples: sounds.Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sounds.FORMATS)
def test_every_format_is_decoded_whole(tmp_path: Path, kind: str) -> None:
    rate = 48000 if kind in {"opus", "webm"} else RATE
    left, right = sounds.sine(440, 3, rate=rate), sounds.sine(660, 3, rate=rate, peak=0.25)
    path = sounds.save(tmp_path / f"音.{kind}", np.hstack([left, right]), rate)
    found = audio.read(path)
    assert (found.sample_rate, found.channels, found.samples.dtype) == (rate, 2, np.float32)
    assert found.duration_s == pytest.approx(3.0, abs=0.0 if kind in sounds.LOSSLESS else 0.06)
    for channel, hertz, peak in ((0, 440, 0.5), (1, 660, 0.25)):
        middle = found.samples[rate : 2 * rate, channel]
        assert loudest_hertz(middle, rate) == pytest.approx(hertz, abs=1)
        assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(peak, rel=0.02)


@pytest.mark.parametrize("kind", sounds.LOSSLESS)
def test_lossless_formats_give_back_every_sample(tmp_path: Path, kind: str) -> None:
    steps = np.random.default_rng(1).integers(-32768, 32768, (5000, 2))
    samples = (steps / 32768).astype(np.float32)
    found = audio.read(sounds.save(tmp_path / f"a.{kind}", samples))
    assert np.array_equal(found.samples, samples)


def test_blocks_are_the_recording_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 1000)
    path = sounds.save(tmp_path / "a.flac", sounds.noise(0.1))
    with audio.Reader(path) as reader:
        blocks = list(reader.blocks())
    assert [len(block) for block in blocks] == [1000, 1000, 1000, 1000, 410]
    assert np.array_equal(np.concatenate(blocks), audio.read(path).samples)


def test_the_header_is_known_before_decoding(tmp_path: Path) -> None:
    path = sounds.save(tmp_path / "a.wav", sounds.sine(440, 2, channels=2))
    with audio.Reader(path) as reader:
        assert reader.header == audio.Header(RATE, 2, 2 * RATE, exact=True)
        assert reader.header.duration_s == 2.0


@pytest.mark.parametrize("kind", sounds.FORMATS)
def test_only_aac_estimates_its_length(tmp_path: Path, kind: str) -> None:
    path = sounds.save(tmp_path / f"a.{kind}", sounds.sine(440, 2, rate=48000), 48000)
    with audio.Reader(path) as reader:
        assert reader.header.exact == (kind != "aac")
        assert reader.header.duration_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("quiet_first", [True, False])
def test_an_mp3_without_an_index_is_decoded_to_its_end(tmp_path: Path, quiet_first: bool) -> None:
    """Its length can only be guessed from the first frames, far too long or too short."""
    loud = np.concatenate([np.zeros((20 * RATE, 1), np.float32), sounds.noise(10)])
    samples = loud if quiet_first else loud[::-1]
    options = {"bitrate_mode": "VARIABLE", "compression_level": 0.5}
    path = sounds.save(tmp_path / "a.mp3", samples, **options)
    data = path.read_bytes()
    with audio.Reader(path) as reader:
        assert reader.header == audio.Header(RATE, 1, 30 * RATE, exact=True)
    path.write_bytes(data[data.index(b"\xff\xfb", 100) :])
    with audio.Reader(path) as reader:
        assert not reader.header.exact
        assert reader.decode(60).duration_s == pytest.approx(30, abs=0.1)


def test_an_index_is_found_behind_a_large_tag(tmp_path: Path) -> None:
    path = sounds.save(tmp_path / "a.mp3", sounds.noise(1))
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.APIC(mime="image/png", data=b"\xff\xfb" * 150_000))
    tags.save(path)
    with audio.Reader(path) as reader:
        assert reader.header == audio.Header(RATE, 1, RATE, exact=True)


def test_names_need_not_be_text(tmp_path: Path) -> None:
    path = sounds.save(tmp_path / "a.flac", sounds.noise(0.1))
    odd = Path(f"{tmp_path}/\udcff\n.flac")
    path.rename(odd)
    assert audio.read(odd).samples.shape == (4410, 1)


# --- refusing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("wav", "truncated"),
        ("aiff", "truncated"),
        ("flac", "truncated"),
        ("mp3", "truncated"),
        ("ogg", "truncated"),
        ("opus", "truncated"),
        ("webm", "truncated"),
        ("m4a", "not_audio"),  # what finds the samples stands at the end of the file
        ("aac", "decode_failed"),
    ],
)
def test_a_file_cut_off_in_the_middle_is_not_used(tmp_path: Path, kind: str, code: str) -> None:
    path = sounds.save(tmp_path / f"a.{kind}", sounds.noise(4, rate=48000, channels=2), 48000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 + 1])
    assert code_of(path) == code


def wav(
    rate: int = 8000, channels: int = 1, promised: int | None = None, frames: int = 800
) -> bytes:
    sound = b"\x01\x00" * frames * channels
    size = len(sound) if promised is None else promised
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(head) + len(sound)) + head + sound


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("text.wav", b"these are words\n" * 100, "not_audio"),
        ("zeros.mp3", bytes(5000), "not_audio"),
        ("one.wav", b"R", "not_audio"),
        ("random.flac", np.random.default_rng(2).bytes(5000), "not_audio"),
        ("no rate.wav", wav(rate=0), "not_audio"),
        ("no channel.wav", wav(channels=0), "not_audio"),
        ("no sound.wav", wav(frames=0), "truncated"),
        ("lying.wav", wav(promised=16000), "truncated"),
    ],
)
def test_what_holds_no_whole_recording_is_refused(
    tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert code_of(tmp_path / name) == code


def test_a_wav_written_to_a_pipe_need_not_know_its_length(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(promised=0xFFFFFFFF))
    assert audio.read(path).samples.shape == (800, 1)


def test_a_video_without_sound_is_no_audio(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    assert code_of(path) == "not_audio"


def test_decoding_stops_where_it_is_too_long(tmp_path: Path) -> None:
    path = sounds.save(tmp_path / "a.ogg", sounds.sine(440, 5))
    with audio.Reader(path) as reader, pytest.raises(AudioError, match=r"more than 3 s") as caught:
        reader.decode(max_seconds=3)
    assert caught.value.code == "too_long"
    with audio.Reader(path) as reader:
        assert reader.decode(max_seconds=5).duration_s == 5.0


# --- resampling and mixing ----------------------------------------------------------------------

RATES = st.sampled_from([8000, 16000, 22050, 32000, 44100, 48000, 96000])


@given(st.integers(1, 5000), RATES, RATES, st.sampled_from([1, 2]))
def test_resampling_keeps_the_duration(frames: int, rate: int, to: int, channels: int) -> None:
    made = audio.resample(np.ones((frames, channels), np.float32), rate, to)
    assert made.shape[1] == channels
    assert abs(len(made) - frames * to / rate) <= 1


def test_resampling_keeps_what_is_heard() -> None:
    made = audio.resample(sounds.sine(1000, 2), RATE, 32000)
    assert np.allclose(made[3200:-3200], sounds.sine(1000, 2, rate=32000)[3200:-3200], atol=1e-3)


def test_resampling_leaves_nothing_of_what_does_not_fit() -> None:
    made = audio.resample(sounds.sine(18000, 2), RATE, 32000)
    assert np.abs(made[3200:-3200]).max() < 1e-4


def test_the_same_rate_is_no_work() -> None:
    samples = sounds.sine(440, 0.1)
    assert audio.resample(samples, RATE, RATE) is samples


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mono_is_the_mean_of_the_channels(channels: int) -> None:
    samples = np.arange(12 * channels, dtype=np.float32).reshape(12, channels)
    single = audio.mono(samples)
    assert single.dtype == np.float32
    assert np.array_equal(single, samples.mean(axis=1))


def test_channels_are_mixed_doubled_or_left() -> None:
    samples = np.array([[0.5, -0.5], [1.0, 0.0]], np.float32)
    assert audio.with_channels(samples, 2) is samples
    assert audio.with_channels(samples, 1).tolist() == [[0.0], [0.5]]
    assert audio.with_channels(samples[:, :1], 2).tolist() == [[0.5, 0.5], [1.0, 1.0]]
    assert audio.with_channels(np.ones((3, 6), np.float32), 2).tolist() == [[1.0, 1.0]] * 3


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_written_audio_has_sixteen_bits(tmp_path: Path, kind: str) -> None:
    samples = sounds.noise(0.5, channels=2)
    path = tmp_path / "a.partial"
    audio.write(path, samples, 32000, kind)
    found = audio.read(path)
    assert found.sample_rate == 32000
    assert np.abs(found.samples - samples).max() <= 1 / 32768
    assert np.array_equal(found.samples * 32768, np.round(found.samples * 32768))


def test_beyond_full_scale_is_held_at_full_scale(tmp_path: Path) -> None:
    samples = np.array([[1.5], [-1.5], [0.5]], np.float32)
    audio.write(tmp_path / "a.flac", samples, 32000, "flac")
    assert audio.read(tmp_path / "a.flac").samples[:, 0].tolist() == [32767 / 32768, -1.0, 0.5]


# --- ffmpeg -------------------------------------------------------------------------------------


def test_the_systems_ffmpeg_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/{name}")
    assert audio.ffmpeg() == "/opt/ffmpeg"


def test_else_the_wheel_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    found = audio.ffmpeg()
    assert found is not None
    assert "imageio_ffmpeg" in found
    assert Path(found).is_file()


def test_else_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert audio.ffmpeg() is None
