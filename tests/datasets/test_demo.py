"""The demo data: the music is what its answers say, and rendering is repeatable."""

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
import yaml
from scipy.signal import spectrogram

import melodies
import render as renderer
import styles
import synth
from arrange import TONICS, Piece, Rendered, arrange, render, tonic_pitch
from pieces import SONGS, Song, bench_pieces
from tunes import HANA, HARU_NO_OGAWA, KOJO_NO_TSUKI, SAKURA, TUNES

RATE = synth.SAMPLE_RATE
DEMO = Path(renderer.__file__).parent
SHORT = Piece(HARU_NO_OGAWA, "D", 126.0, styles.CITY_POP, True, 0.0, 5, verses=1)
TINY = Piece(HANA, "C", 180.0, styles.CITY_POP, True, 0.0, 33, verses=0)


@pytest.fixture(scope="module", params=styles.STYLES, ids=lambda style: style.name)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    """A verse and a half minute of every style."""
    index = styles.STYLES.index(request.param)
    tune = (SAKURA, HARU_NO_OGAWA)[index % 2]
    return render(Piece(tune, TONICS[index], 80.0, request.param, index % 3 == 0, 0.0, 7, verses=1))


def wide_scale(tune: melodies.Melody) -> tuple[int, ...]:
    """The scale, in minor with the raised sixth and seventh of the melodic one."""
    scale = melodies.scale_of(tune)
    return scale if tune.mode == "major" else (*scale, 9, 11)


# --- melodies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.title)
def test_tune_fills_its_bars_and_stays_in_its_scale(tune: melodies.Melody) -> None:
    notes, chords = melodies.parse_notes(tune), melodies.parse_chords(tune)
    beats = melodies.bar_count(tune) * tune.beats_per_bar
    assert sum(chord.beats for chord in chords) == beats
    assert all(note.start + note.beats <= beats for note in notes)
    assert all(a.start + a.beats <= b.start for a, b in pairwise(notes))
    outside = [n.beats for n in notes if n.semitones % 12 not in wide_scale(tune)]
    assert sum(outside) <= 0.03 * beats


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.title)
def test_tune_says_where_it_comes_from(tune: melodies.Melody) -> None:
    assert tune.composer
    assert tune.source
    died = re.search(r"\(\d{4}-(\d{4})\)", tune.composer)
    assert "traditional" in tune.composer or (died and int(died[1]) < 1942)
    if re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", tune.title):
        assert re.search(r" \([A-ZŌō][\w ō]+\)$", tune.title), "no romanisation"


@pytest.mark.parametrize(
    ("notes", "message"),
    [("1 2 3 | 1:4", "bar 1 has 3.0 beats, need 4"), ("1 2 3 8 | 1:4", "note '8'")],
)
def test_wrong_score_is_refused(notes: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        melodies.parse_notes(replace(HARU_NO_OGAWA, notes=notes))


def test_wrong_harmony_is_refused() -> None:
    with pytest.raises(ValueError, match="1 bars of chords, 16 of notes"):
        melodies.parse_chords(replace(HARU_NO_OGAWA, chords="I"))
    with pytest.raises(ValueError, match="chord 'H'"):
        melodies.parse_chords(replace(HARU_NO_OGAWA, chords="| ".join(["H"] * 16)))


def test_first_notes_of_sakura_and_kojo_no_tsuki() -> None:
    sakura = Piece(SAKURA, "A", 72.0, styles.KOTO_DUO, False, 0.0, 1)
    kojo = Piece(KOJO_NO_TSUKI, "B", 66.0, styles.KOTO_DUO, False, 0.0, 1)
    pitches = [tonic_pitch(sakura) + n.semitones for n in melodies.parse_notes(SAKURA)]
    assert pitches[:10] == [69, 69, 71, 69, 69, 71, 69, 71, 72, 71]  # A A B, A A B, A B C B
    pitches = [tonic_pitch(kojo) + n.semitones for n in melodies.parse_notes(KOJO_NO_TSUKI)]
    assert pitches[:11] == [66, 66, 71, 73, 74, 73, 71, 67, 67, 66, 65]  # F# F# B C# D C# B ...


# --- sound ------------------------------------------------------------------------------------


@pytest.mark.parametrize("timbre", synth.TIMBRES)
def test_timbre_is_in_tune(timbre: str) -> None:
    for pitch, tuning_hz in ((50, 440.0), (69, 442.0), (81, 440.0)):
        wanted = synth.hertz(pitch, tuning_hz)
        sound = synth.tone(timbre, pitch, 1.5, tuning_hz)[4000 : 4000 + 49152]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 19))
        low, high = (int(wanted * r * (1 << 19) / RATE) for r in (0.95, 1.05))
        found = (low + int(np.argmax(spectrum[low:high]))) * RATE / (1 << 19)
        assert abs(1200 * math.log2(found / wanted)) < 10.0, f"cents, pitch {pitch}"


def test_tones_keep_their_length_and_end_in_silence() -> None:
    for timbre, entry in synth.TIMBRES.items():
        sound = synth.tone(timbre, 60, 0.5)
        assert sound.dtype == np.float32
        assert sound.size == int(0.5 * RATE) + int(entry.release_s * RATE)
        assert abs(sound[-1]) < 1e-6


def test_recording_is_sound(rendered: Rendered) -> None:
    samples = rendered.samples
    assert samples.dtype == np.float32
    assert samples.shape[0] == 2
    assert samples.shape[1] / RATE > 20.0
    assert np.isfinite(samples).all()
    assert 0.3 < np.abs(samples).max() <= 0.9
    assert -23.0 < 10 * math.log10(float(np.mean(samples**2))) < -15.0, "level in dBFS"
    assert not np.array_equal(samples[0], samples[1]), "mono"
    assert abs(samples[:, -1]).max() < 1e-3, "does not end faded out"


def test_recording_has_no_gaps(rendered: Rendered) -> None:
    size = RATE // 2
    body = rendered.samples[:, : rendered.samples.shape[1] - 2 * RATE]
    blocks = body[:, : body.shape[1] // size * size].reshape(2, -1, size)
    level_db = 10 * np.log10(np.mean(blocks**2, axis=(0, 2)) + 1e-12)
    assert level_db.min() > -45.0


def test_tune_is_heard_at_its_pitches() -> None:
    piece = replace(SHORT, style=styles.FOLK, drums=False)
    mono = render(piece).samples.mean(axis=0)
    lead = next(part for part in arrange(piece).parts if part.timbre == "flute")
    heard = 0
    for note in lead.notes:
        start = int((note.start_s + 0.08) * RATE)
        sound = mono[start : start + int(note.seconds * RATE) - 2000]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 17))

        def strength(pitch: float, of: np.ndarray = spectrum) -> float:
            at = round(synth.hertz(pitch) * (1 << 17) / RATE)
            return float(of[at - 3 : at + 4].max())

        heard += strength(note.pitch) > 2 * max(strength(note.pitch - 1), strength(note.pitch + 1))
    assert heard >= 0.95 * len(lead.notes)


def onset_strength(samples: np.ndarray, hop: int = 441) -> np.ndarray:
    """Rise of the log spectrum, a value each 10 ms."""
    _, _, power = spectrogram(samples.mean(axis=0), RATE, nperseg=1024, noverlap=1024 - hop)
    return np.maximum(np.diff(np.log10(power + 1e-7), axis=1), 0.0).mean(axis=0)


@pytest.mark.parametrize("bpm", [66.0, 97.0, 140.0, 176.0])
def test_beats_are_where_they_are_said_to_be(bpm: float) -> None:
    piece = Piece(HARU_NO_OGAWA, "F", bpm, styles.ROCK, True, 0.0, 3, verses=1)
    recording = render(piece)
    assert np.allclose(np.diff(recording.beats_s), 60.0 / bpm)
    strength = onset_strength(recording.samples)

    def on_grid(times: np.ndarray) -> float:
        frames = np.round(times * RATE / 441).astype(int)
        frames = frames[(frames > 2) & (frames < strength.size - 3)]
        return float(np.mean([strength[f - 2 : f + 2].max() for f in frames]))

    beats = np.array(recording.beats_s)
    assert on_grid(beats) > 1.5 * on_grid(beats + 0.35 * 60.0 / bpm)
    for ratio in (0.93, 1.07):
        assert on_grid(beats) > 1.25 * on_grid(beats[0] + (beats - beats[0]) * ratio)


def test_players_without_drums_lean_but_keep_the_mean_tempo() -> None:
    piece = Piece(HARU_NO_OGAWA, "F", 90.0, styles.PIANO_BALLAD, False, 0.0, 3, verses=2)
    gaps = np.diff(arrange(piece).beats_s)
    assert gaps.max() / gaps.min() > 1.02
    assert 60.0 / gaps.mean() == pytest.approx(90.0, rel=0.002)
    assert 60.0 / gaps.min() < 90.0 * 1.05


def test_same_piece_gives_the_same_samples() -> None:
    first = render(SHORT)
    synth._tone.cache_clear()
    again = render(SHORT)
    assert first.samples.tobytes() == again.samples.tobytes()
    other = render(replace(SHORT, seed=6))
    assert not np.array_equal(first.samples, other.samples)


def test_another_process_gives_the_same_samples() -> None:
    program = (
        "import hashlib, arrange, pieces;"
        "samples = arrange.render(pieces.SONGS[11].piece).samples;"
        "print(hashlib.sha256(samples.tobytes()).hexdigest())"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=DEMO, env=environment, capture_output=True, check=True
    )
    here = render(SONGS[11].piece).samples
    assert done.stdout.decode().strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_unknown_tonic_is_refused() -> None:
    with pytest.raises(ValueError, match="tonic 'H': expected one of C, C#"):
        arrange(replace(SHORT, tonic="H"))


# --- the benchmark ----------------------------------------------------------------------------


def test_bench_covers_keys_tempi_and_styles() -> None:
    bench = bench_pieces()
    assert len(bench) >= 60
    assert len({repr(piece) for piece in bench}) == len(bench)
    assert {(p.tonic, p.melody.mode) for p in bench} == {
        (tonic, mode) for tonic in TONICS for mode in ("major", "minor")
    }
    tempi = sorted(p.tempo_bpm for p in bench)
    assert (tempi[0], tempi[-1]) == (60.0, 180.0)
    assert max(b / a for a, b in pairwise(tempi)) < 1.03
    assert {(p.style.name, p.drums) for p in bench} == {
        (style.name, drums) for style in styles.STYLES for drums in (True, False)
    }
    for piece in bench:
        low, high = piece.melody.tempo_range
        assert low <= piece.tempo_bpm <= high


def test_bench_notes_belong_to_the_stated_key() -> None:
    for piece in bench_pieces():
        arrangement = arrange(piece)
        assert 50.0 < arrangement.seconds < 95.0
        tonic = TONICS.index(piece.tonic)
        weight = np.zeros(12)
        for part in arrangement.parts:
            for note in part.notes:
                if isinstance(note.pitch, int):
                    weight[(note.pitch - tonic) % 12] += note.seconds * note.velocity * part.gain
        assert weight[list(wide_scale(piece.melody))].sum() > 0.95 * weight.sum(), piece
        assert set(np.argsort(weight)[-2:]) & {0}, f"tonic is not among the two commonest: {piece}"
        notes = [n for part in arrangement.parts for n in part.notes if isinstance(n.pitch, int)]
        final = max(note.start_s for note in notes)
        assert min(n.pitch for n in notes if n.start_s > final - 0.05) % 12 == tonic, (
            f"does not end on the tonic: {piece}"
        )


# --- files ------------------------------------------------------------------------------------


def test_songs_are_as_the_demo_promises() -> None:
    assert len({song.artist for song in SONGS}) == 5
    assert {song.extension for song in SONGS} == {"flac", "mp3", "ogg", "wav"}
    assert {song.sample_rate for song in SONGS} == {44100, 48000}
    music = [song for song in SONGS if not song.note]
    assert len(music) == 11
    assert all(100.0 <= arrange(song.piece).seconds <= 150.0 for song in music)
    assert (min(s.piece.tempo_bpm for s in music), max(s.piece.tempo_bpm for s in music)) == (
        66,
        168,
    )
    jingle, copy = (song for song in SONGS if song.note)
    assert 11.0 < arrange(jingle.piece).seconds < 13.5
    original = next(song for song in music if song.piece == copy.piece)
    assert (original.extension, copy.extension) == ("flac", "mp3")
    assert original.artist != copy.artist


def test_artists_file_names_the_artists_that_are_rendered() -> None:
    text = (DEMO / "artists.yaml").read_text(encoding="utf-8")
    assert "python datasets/demo/render.py" in text
    assert "curate build --artists datasets/demo/artists.yaml" in text
    config = yaml.safe_load(text)
    assert set(config) == {"name", "rights", "artists"}
    assert config["name"] == "demo"
    assert {artist["name"]: artist["files"] for artist in config["artists"]} == {
        song.artist: [f"audio/{song.artist}/**/*"] for song in SONGS
    }


@pytest.fixture(scope="module")
def tiny_songs() -> tuple[Song, ...]:
    """The jingle's music in each of the four formats."""
    formats = (("flac", 44100), ("mp3", 44100), ("ogg", 44100), ("wav", 48000))
    return tuple(
        Song("月夜シンセ", "Neon", f"花 (Hana) {extension}", 2023, TINY, extension, rate)
        for extension, rate in formats
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_songs: tuple[Song, ...]) -> Path:
    out = tmp_path_factory.mktemp("demo") / "audio"
    assert renderer.render_all(out, tiny_songs, jobs=2) == 4
    return out


def test_files_decode_to_the_recording(folder: Path, tiny_songs: tuple[Song, ...]) -> None:
    wanted = render(TINY).samples.shape[1] / RATE
    for song in tiny_songs:
        samples, rate = soundfile.read(folder / renderer.song_path(song))
        assert rate == song.sample_rate
        assert samples.shape[1] == 2
        assert abs(samples).max() < 0.99
        assert len(samples) / rate == pytest.approx(wanted, abs=0.1)


def test_files_carry_their_tags(folder: Path, tiny_songs: tuple[Song, ...]) -> None:
    for song in tiny_songs:
        tags = mutagen.File(folder / renderer.song_path(song)).tags
        if song.extension in ("flac", "ogg"):
            assert tags["title"] == [song.title]
            assert tags["artist"] == ["月夜シンセ"]
            assert tags["instrument"] == list(render(TINY).instruments)
            assert tags["mood"] == ["happy", "energetic"]
            assert tags["genre"] == ["city pop"]
            assert tags["license"] == ["CC0-1.0"]
        else:
            assert tags.version == (2, 4, 0)
            assert tags["TIT2"].text == [song.title]
            assert tags["TPE1"].text == ["月夜シンセ"]
            assert tags["TDRC"].text[0].text == "2023"
            assert tags["TMOO"].text == ["happy", "energetic"]
            assert ["drums", "月夜シンセ"] in tags["TMCL"].people
            assert tags["TXXX:LICENSE"].text == ["CC0-1.0"]


def test_answers_are_the_pieces_own(folder: Path, tiny_songs: tuple[Song, ...]) -> None:
    text = (folder / "answers.json").read_text(encoding="utf-8")
    files = json.loads(text)["files"]
    assert set(files) == {renderer.song_path(song) for song in tiny_songs}
    for path, entry in files.items():
        assert (entry["tonic"], entry["mode"], entry["bpm"]) == ("C", "major", 180.0)
        assert entry["sha256"] == renderer._sha256(folder / path)


def test_second_run_does_nothing(
    folder: Path,
    tiny_songs: tuple[Song, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    monkeypatch.setattr(renderer, "SONGS", tiny_songs)
    assert renderer.main(["--out", str(folder)]) == 0
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines[:4]] == ["kept"] * 4
    assert lines[4].startswith("0 of 4 files written")


@pytest.mark.parametrize("harm", ["damaged", "gone", "older code", "answers lost"])
def test_only_what_is_out_of_date_is_rendered_again(
    folder: Path, tiny_songs: tuple[Song, ...], harm: str
) -> None:
    songs = tiny_songs[:1]
    path = folder / renderer.song_path(songs[0])
    if harm == "damaged":
        path.write_bytes(path.read_bytes()[:1000])
    elif harm == "gone":
        path.unlink()
    elif harm == "older code":
        answers = folder / "answers.json"
        answers.write_text(answers.read_text().replace(renderer.code_stamp(), "0" * 16))
    else:
        (folder / "answers.json").write_text("{", encoding="utf-8")
    assert renderer.render_all(folder, songs, jobs=1) == 1
    assert renderer.render_all(folder, songs, jobs=1) == 0
    assert soundfile.info(path).frames == render(TINY).samples.shape[1]
