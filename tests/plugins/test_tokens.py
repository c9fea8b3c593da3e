"""The token cache: the codes of a clip are those that encoding it gives, and are made once."""

import errno
import hashlib
import json
import multiprocessing
import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from omegaconf import OmegaConf

from plugins.musicgen import tiny
from plugins.musicgen.dataset.tokens import encode, store
from plugins.musicgen.dataset.tokens.crops import Tokens
from plugins.musicgen.dataset.tokens.fill import Wish, fill
from plugins.musicgen.errors import TrainingError
from plugins.musicgen.mended import upstream

RATE = tiny.SAMPLE_RATE
HOP = 1280
FORK = multiprocessing.get_context("fork")

Fill = Callable[..., Tokens]


def load_codec(tiny_base: Path) -> Any:
    """The tiny base's EnCodec."""
    upstream.mend()
    from audiocraft.models import builders

    package = upstream.load(tiny_base / "compression_state_dict.bin")
    model = builders.get_compression_model(OmegaConf.create(package["xp.cfg"]))
    model.load_state_dict(package["best_state"])
    return model.eval()


@pytest.fixture(scope="session")
def codec(tiny_base: Path) -> Any:
    return load_codec(tiny_base)


def song(seconds: float, seed: int = 0, channels: int = 1) -> np.ndarray:
    """Notes and noise [samples, channels], float32: something for a codec to tell apart."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    steps = 2 ** rng.uniform(0, 5, (1 + samples // 4000, channels))
    hertz = np.repeat(110 * steps, 4000, axis=0)[:samples]
    tone = 0.4 * np.sin(2 * np.pi * np.cumsum(hertz, axis=0) / RATE)
    return np.asarray(tone + 0.02 * rng.standard_normal(tone.shape), dtype=np.float32)


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Six different files of 2 s."""
    paths = [tmp_path / f"song{number}.flac" for number in range(6)]
    for number, path in enumerate(paths):
        soundfile.write(path, song(2.0, number), RATE)
    return paths


@pytest.fixture
def filled(tmp_path: Path, codec: Any) -> Fill:
    """Fills a cache of this test's own: filled(paths, seconds=..., segment=...)."""

    def make(
        paths: list[Path],
        *,
        seconds: float = 2.0,
        segment: float = 2.0,
        ratio: float = 1.0,
        ours: bool = False,
        model: Any = codec,
    ) -> Tokens:
        wishes = [Wish(str(path), seconds, segment, ratio) for path in paths]
        return fill(wishes, model, "cpu", tmp_path / "cache", ours=ours)

    return make


def live(codec: Any, path: Path, start: int = 0, samples: int | None = None) -> torch.Tensor:
    """Codes [K, T] of a part of a file, encoded by itself and padded with silence."""
    sound = torch.from_numpy(soundfile.read(path, dtype="float32", always_2d=True)[0].T)
    sound = sound[:, start:] if samples is None else sound[:, start : start + samples]
    if samples is not None:
        sound = torch.nn.functional.pad(sound, (0, samples - sound.shape[1]))
    with torch.no_grad():
        found: torch.Tensor = codec.encode(sound[None])[0][0]
    return found


def entries(tmp_path: Path) -> dict[Path, tuple[int, int]]:
    """The files of a cache; one that was written again has another number."""
    found = (tmp_path / "cache" / "tokens").glob("*/*/*.npz")
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


class TestCodes:
    def test_of_whole_clips_are_those_of_encoding_them(
        self, filled: Fill, songs: list[Path], codec: Any
    ) -> None:
        tokens = filled(songs)
        for path in songs:
            crop = tokens.crop(str(path), 0.0, 2 * RATE)
            assert crop.codes.dtype == torch.int16
            assert torch.equal(crop.codes.long(), live(codec, path))
            assert (crop.seek_s, crop.samples) == (0.0, 2 * RATE)

    def test_of_short_clips_are_those_with_silence_behind(
        self, filled: Fill, songs: list[Path], codec: Any
    ) -> None:
        tokens = filled(songs[:2], segment=3.0)
        crop = tokens.crop(str(songs[1]), 0.0, 3 * RATE)
        assert torch.equal(crop.codes.long(), live(codec, songs[1], 0, 3 * RATE))
        assert crop.samples == 2 * RATE

    def test_of_a_crop_start_on_a_frame(self, filled: Fill, songs: list[Path], codec: Any) -> None:
        tokens = filled(songs[:1], segment=0.8)
        whole = live(codec, songs[0])
        for seek, frame in ((0.0, 0), (0.039, 0), (0.04, 1), (0.5, 12), (1.2, 30), (9.0, 30)):
            crop = tokens.crop(str(songs[0]), seek, round(0.8 * RATE))
            assert crop.codes.shape == (4, 20)
            assert torch.equal(crop.codes.long(), whole[:, frame : frame + 20])
            assert crop.seek_s == pytest.approx(frame * HOP / RATE)

    def test_of_a_crop_differ_at_its_edges_only(
        self, filled: Fill, tmp_path: Path, codec: Any
    ) -> None:
        path, differ = tmp_path / "long.flac", torch.zeros(50)
        for seed in range(8):
            soundfile.write(path, song(6.0, seed), RATE)
            crop = filled([path], seconds=6.0).crop(str(path), 2.0, 2 * RATE)
            differ += (crop.codes != live(codec, path, 2 * RATE, 2 * RATE)).any(0)
        assert not differ[8:-5].any()
        assert differ[:2].any()
        assert differ[-2:].any()

    def test_of_a_crop_past_the_end_know_its_silence(
        self, filled: Fill, songs: list[Path], codec: Any
    ) -> None:
        crop = filled(songs[:1], ratio=0.5).crop(str(songs[0]), 0.8, 2 * RATE)
        assert crop.samples == round(1.2 * RATE)
        wanted = live(codec, songs[0], round(0.8 * RATE), 2 * RATE)
        assert torch.equal(crop.codes[:, 8:-4], wanted[:, 8:-4])  # but for the edges
        assert torch.equal(crop.codes[:, 30:35], wanted[:, 30:35])  # where the sound ends

    def test_of_a_long_file_are_made_in_windows(self, tmp_path: Path, codec: Any) -> None:
        sound = torch.from_numpy(song(encode.WHOLE_S + 7.0).T)
        found = encode.encode(sound, codec, "cpu")
        with torch.no_grad():
            wanted = codec.encode(sound[None])[0][0]
        assert found.shape == wanted.shape
        assert (found != wanted).float().mean() < 0.002

    @pytest.mark.parametrize("turns", [False, True])
    def test_of_stereo(self, filled: Fill, tmp_path: Path, codec: Any, turns: bool) -> None:
        from audiocraft.models.encodec import InterleaveStereoCompressionModel

        path = tmp_path / "stereo.flac"
        soundfile.write(path, song(1.98, channels=2), RATE)
        model = InterleaveStereoCompressionModel(codec, per_timestep=turns).eval()
        tokens = filled([path], seconds=1.98, segment=0.8, model=model)
        whole = live(model, path)
        assert whole.shape == ((4, 100) if turns else (8, 50))
        crop = tokens.crop(str(path), 0.4, round(0.8 * RATE))
        per = 2 if turns else 1
        assert torch.equal(crop.codes.long(), whole[:, 10 * per : 30 * per])

    def test_of_a_file_at_another_rate_with_two_channels(
        self, filled: Fill, tmp_path: Path, codec: Any
    ) -> None:
        from audiocraft.data.audio_utils import convert_audio

        path = tmp_path / "cd.wav"
        soundfile.write(path, song(2.0 * 32000 / 44100, channels=2), 44100)
        seconds = soundfile.info(path).duration
        tokens = filled([path], seconds=seconds, segment=0.5)
        sound = torch.from_numpy(soundfile.read(path, dtype="float32")[0].T)
        with torch.no_grad():
            wanted = codec.encode(convert_audio(sound, 44100, RATE, 1)[None])[0][0]
        crop = tokens.crop(str(path), 0.0, RATE // 2)
        agree = (crop.codes.long() == wanted[:, : crop.codes.shape[1]]).float().mean()
        assert agree > 0.99  # PyAV reads 16 bit into other floats than soundfile


class TestOnce:
    def test_what_is_there_is_not_made_again(
        self, filled: Fill, songs: list[Path], tmp_path: Path
    ) -> None:
        first = filled(songs[:4])
        before = entries(tmp_path)
        assert len(before) == 4
        second = filled(songs)
        assert before.items() < entries(tmp_path).items()
        assert first.keys.items() < second.keys.items()

    def test_the_content_counts_not_the_place(
        self, filled: Fill, songs: list[Path], tmp_path: Path
    ) -> None:
        copy = tmp_path / "elsewhere" / "copy.flac"
        copy.parent.mkdir()
        shutil.copy(songs[0], copy)
        tokens = filled([songs[0], copy])
        assert tokens.keys[str(copy)] == tokens.keys[str(songs[0])]
        assert len(entries(tmp_path)) == 1

    def test_another_sound_in_the_same_place_is_noticed(
        self, filled: Fill, songs: list[Path], codec: Any
    ) -> None:
        filled(songs)
        soundfile.write(songs[0], song(2.0, 99), RATE)
        crop = filled(songs).crop(str(songs[0]), 0.0, 2 * RATE)
        assert torch.equal(crop.codes.long(), live(codec, songs[0]))

    def test_models_are_told_apart_by_all_that_decides_their_codes(
        self, codec: Any, tiny_base: Path
    ) -> None:
        known = encode.model_hash(codec)
        same, weights, books, padding = (load_codec(tiny_base) for _ in range(4))
        assert encode.model_hash(same) == known
        with torch.no_grad():
            next(weights.parameters()).flatten()[0] += 1e-3
        books.set_num_codebooks(2)
        padding.encoder.model[0].pad_mode = "reflect"
        others = {encode.model_hash(other) for other in (weights, books, padding)}
        assert len(others) == 3
        assert known not in others

    def test_a_sidecar_of_ours_says_the_content(self, filled: Fill, songs: list[Path]) -> None:
        sha256 = hashlib.sha256(songs[0].read_bytes()).hexdigest()
        songs[0].with_suffix(".json").write_text(json.dumps({"audio_sha256": sha256}))
        assert filled(songs[:1], ours=True).keys == {str(songs[0]): sha256}
        soundfile.write(songs[0], song(1.9, 99), RATE)
        with pytest.raises(TrainingError, match=r"song0\.flac: it is not the file that its sidec"):
            filled(songs[:1], ours=True)  # noticed by its size
        songs[1].with_suffix(".json").write_text(json.dumps({"audio_sha256": "0" * 64}))
        with pytest.raises(TrainingError, match=r"song1\.flac: it is not the file that its sidec"):
            filled(songs[1:2], ours=True)  # noticed where it is encoded

    def test_a_longer_crop_of_a_short_file_is_another_entry(
        self, filled: Fill, songs: list[Path], tmp_path: Path
    ) -> None:
        filled(songs[:1])
        filled(songs[:1], segment=3.0)
        filled(songs[:1], segment=1.0)  # the whole file has it
        assert len(entries(tmp_path)) == 2

    def test_a_file_that_is_shorter_than_its_manifest_says(
        self, filled: Fill, songs: list[Path], codec: Any
    ) -> None:
        crop = filled(songs[:1], seconds=2.5, segment=2.5).crop(str(songs[0]), 0.0, 80000)
        assert torch.equal(crop.codes.long(), live(codec, songs[0], 0, 80000))
        assert crop.samples == 2 * RATE

    def test_goes_to_other_processes(self, filled: Fill, songs: list[Path]) -> None:
        tokens = filled(songs[:1])
        other = pickle.loads(pickle.dumps(tokens))
        assert torch.equal(
            other.crop(str(songs[0]), 0.0, RATE).codes, tokens.crop(str(songs[0]), 0.0, RATE).codes
        )


class TestTrouble:
    @pytest.mark.parametrize("damage", ["empty", "cut", "bit", "other"])
    def test_a_damaged_entry_is_made_anew(
        self, filled: Fill, songs: list[Path], codec: Any, tmp_path: Path, damage: str
    ) -> None:
        filled(songs[:2])
        path, other = entries(tmp_path)
        good = path.read_bytes()
        middle = len(good) // 2
        bad = {
            "empty": b"",
            "cut": good[:middle],
            "bit": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
            "other": b"not a zip archive",
        }[damage]
        path.write_bytes(bad)
        untouched = entries(tmp_path)[other]
        tokens = filled(songs[:2])
        assert path.read_bytes() == good
        assert entries(tmp_path)[other] == untouched
        for song_path in songs[:2]:
            crop = tokens.crop(str(song_path), 0.0, 2 * RATE)
            assert torch.equal(crop.codes.long(), live(codec, song_path))

    def test_an_entry_that_is_damaged_during_a_run(
        self, filled: Fill, songs: list[Path], tmp_path: Path
    ) -> None:
        tokens = filled(songs[:1])
        (path,) = entries(tmp_path)
        path.write_bytes(b"")
        for _ in range(2):  # damaged, then gone
            with pytest.raises(TrainingError, match=r"song0\.flac: its codes .* start it again"):
                tokens.crop(str(songs[0]), 0.0, RATE)
        assert not path.exists()

    def test_a_killed_process_leaves_what_it_had(
        self, filled: Fill, songs: list[Path], tmp_path: Path
    ) -> None:
        child = FORK.Process(target=filled, args=(songs,))
        child.start()
        until = time.monotonic() + 60
        while len(entries(tmp_path)) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        child.kill()
        child.join()
        before = entries(tmp_path)
        assert len(before) >= 2
        tokens = filled(songs)
        assert before.items() <= entries(tmp_path).items()
        assert len(entries(tmp_path)) == len(tokens.keys) == len(songs)

    def test_what_was_half_written_is_swept_away(
        self, filled: Fill, songs: list[Path], tmp_path: Path
    ) -> None:
        filled(songs[:1])
        (path,) = entries(tmp_path)
        old, new = path.with_name(".1-a.tmp"), path.with_name(".2-b.tmp")
        for half in (old, new):
            half.write_bytes(b"half")
        os.utime(old, (0, 0))
        filled(songs[:1])
        assert not old.exists()
        assert new.exists()  # may be another process's

    def test_processes_share_the_work(
        self, filled: Fill, songs: list[Path], tmp_path: Path, codec: Any
    ) -> None:
        children = [FORK.Process(target=filled, args=(songs,)) for _ in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0, 0, 0]
        before = entries(tmp_path)
        tokens = filled(songs)
        assert entries(tmp_path) == before
        assert not list((tmp_path / "cache").rglob("*.tmp"))
        for path in songs:
            codes = tokens.crop(str(path), 0.0, 2 * RATE).codes
            assert torch.equal(codes.long(), live(codec, path))

    def test_a_full_disk(self, tmp_path: Path) -> None:
        with (
            pytest.raises(TrainingError, match=r"disk is full; name .* token_cache\.folder=DIR"),
            store.writing(tmp_path),
            Path("/dev/full").open("wb", buffering=0) as file,
        ):
            file.write(b"codes")
        assert errno.ENOSPC in store.FULL

    def test_a_disk_that_will_be_full(self, filled: Fill, songs: list[Path]) -> None:
        with pytest.raises(TrainingError, match=r"codes of 1 clips need .* MiB, its disk has"):
            filled(songs[:1], seconds=1e12, segment=1.0)

    def test_a_folder_that_is_none(self, filled: Fill, songs: list[Path], tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("a file")
        with pytest.raises(TrainingError, match=r"token_cache\.folder=.*cannot be written"):
            filled(songs[:1])

    def test_a_file_that_is_no_sound(self, filled: Fill, tmp_path: Path) -> None:
        path = tmp_path / "text.flac"
        path.write_text("no sound")
        with pytest.raises(TrainingError, match=r"text\.flac: it cannot be read"):
            filled([path])
        with pytest.raises(TrainingError, match=r"gone\.flac: No such file"):
            filled([tmp_path / "gone.flac"])


class TestSolver:
    """What a run learns from with the cache is what it learns from without."""

    def both(self, start: Callable[..., Any], *given: str) -> tuple[Any, Any]:
        """A solver without and one with the cache."""
        plain, cached = (start(*given, f"label={name}") for name in ("plain", "cached"))
        with cached.xp.enter():
            cached.fill_cache()
        return plain, cached

    def batches(self, solver: Any, stage: str, epoch: int = 1) -> list[Any]:
        loader = solver.loader(stage)
        loader.dataset.current_epoch = epoch
        return list(loader)

    @pytest.mark.parametrize(
        ("given", "stage"),
        [
            (("text.merge_text_p=0.5", "dataset.num_workers=2"), "train"),
            (("dataset.segment_duration=1.5",), "train"),
            (
                ("dataset.segment_duration=1.5", "tokens.padding_with_special_token=true"),
                "train",
            ),
            ((), "valid"),
            ((), "evaluate"),
        ],
        ids=["whole", "short", "special", "valid", "evaluate"],
    )
    def test_batches_are_the_same(
        self, start: Callable[..., Any], given: tuple[str, ...], stage: str
    ) -> None:
        plain, cached = self.both(start, *given)
        found = [self.batches(solver, stage) for solver in (plain, cached)]
        for (sound, infos), (nothing, own) in zip(*found, strict=True):
            assert nothing.shape == (len(sound), 1, 0)
            for info, other in zip(infos, own, strict=True):
                assert other.meta.path == info.meta.path
                assert other.description == info.description
                assert (other.seek_time, other.n_frames) == (0.0, info.n_frames)
                assert other.total_frames == info.total_frames == sound.shape[-1]
            assert torch.equal(plain.codes(sound, infos), cached.codes(nothing, own))

    @pytest.mark.parametrize("duration", ["null", "1.5"])
    def test_the_first_loss_is_the_same(self, start: Callable[..., Any], duration: str) -> None:
        solvers = self.both(start, f"dataset.segment_duration={duration}", "dataset.batch_size=4")
        found = []
        for solver in solvers:
            solver.progress.begin(1)
            solver.model.train()
            solver.seed_step()
            found.append(solver.gradients(self.batches(solver, "train")[0]))
        assert torch.allclose(*found, rtol=1e-5)

    def test_random_crops_stay_where_they_were(
        self, start: Callable[..., Any], make_clips: Callable[..., Path], tmp_path: Path
    ) -> None:
        folder = make_clips(tmp_path / "long", {"train": 6, "valid": 1, "test": 1}, seconds=3.0)
        plain, cached = self.both(start, f"data={folder}", "dataset.segment_duration=1")
        seeks = []
        for epoch in (1, 2):
            wanted, got = (
                [info for _, infos in self.batches(solver, "train", epoch) for info in infos]
                for solver in (plain, cached)
            )
            assert [info.meta.path for info in got] == [info.meta.path for info in wanted]
            frame = HOP / RATE
            for one, other in zip(got, wanted, strict=True):
                assert -1e-6 <= other.seek_time - one.seek_time < frame
                assert one.n_frames == RATE
                assert one.audio_tokens.shape == (4, 25)
            seeks += [one.seek_time for one in got]
        assert len(set(seeks)) > 9

    def test_a_run_makes_codes_once_and_another_reads_them(
        self, start: Callable[..., Any], tmp_path: Path
    ) -> None:
        short = ("optim.epochs=1", "generate.lm.gen_duration=0.5", "dataset.generate.num_samples=1")
        folder = tmp_path / "cache"
        first = start(*short, f"token_cache.folder={folder}")
        with first.xp.enter():
            first.run()
        before = entries(tmp_path)
        assert len(before) == 2  # all 13 clips are one of two tones
        second = start(*short, f"token_cache.folder={folder}", "optim.lr=1e-3")
        with second.xp.enter():
            second.run()
        assert entries(tmp_path) == before
        assert first.xp.sig != second.xp.sig
        (one,) = json.loads(first.xp.history.read_text())
        assert one.keys() == {"train", "valid", "evaluate", "generate"}

    def test_only_the_stage_that_needs_sound_hears_it(self, start: Callable[..., Any]) -> None:
        solver = start()
        solver.fill_cache()
        assert self.batches(solver, "generate")[0][0].shape[-1] == RATE
        for stage in ("train", "valid", "evaluate"):
            assert self.batches(solver, stage)[0][0].shape[-1] == 0, stage

    def test_melody_models_hear_it_too(self, start: Callable[..., Any], tmp_path: Path) -> None:
        tiny.make(tmp_path / "melody", kind="melody")
        solver = start(f"base={tmp_path / 'melody'}")
        solver.fill_cache()
        sound, infos = self.batches(solver, "train")[0]
        assert sound.shape[-1] == RATE
        assert infos[0].self_wav.wav.shape == (1, 1, RATE)
        assert torch.equal(solver.codes(sound, infos), solver.encode(sound))

    def test_without_it_every_clip_is_heard(self, start: Callable[..., Any]) -> None:
        solver = start("token_cache.use=false")
        solver.fill_cache()
        sound, infos = self.batches(solver, "train")[0]
        assert sound.shape[-1] == RATE
        assert infos[0].audio_tokens is None
