"""Taking vocals away: a network whose vocals are known, and one of chance against Demucs itself."""

import hashlib
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import demucs
import demucs_standin as standin
import numpy as np
import pytest
import sounds
import torch
from demucs.apply import apply_model

from curate.audio import Decoded, Samples
from curate.errors import CurateError
from curate.labels.models import weights, zoo
from curate.treatments import separation
from curate.treatments.separation import Separator

RATE = 44100
HTDEMUCS = zoo.HTDEMUCS


def found(path: Path) -> Separator:
    return Separator(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Separator:
    """Takes away what both channels share."""
    return found(standin.write(tmp_path_factory.mktemp("centre") / "c.th", standin.centre()))


@pytest.fixture(scope="module")
def chance(tmp_path_factory: pytest.TempPathFactory) -> Separator:
    return found(standin.write(tmp_path_factory.mktemp("chance") / "r.th", standin.chance()))


def sung(seconds: float, rate: int = RATE) -> tuple[Samples, Samples]:
    """A singer in the middle, and the band that plays the opposite in either channel: [T, 1]."""
    voice = sounds.sine(440, seconds, peak=0.3, rate=rate)
    band = sounds.sine(700, seconds, peak=0.2, rate=rate)
    return voice, band + sounds.noise(seconds, level=0.02, rate=rate, below=6000)


def left(samples: Samples, separator: Separator, rate: int = RATE) -> Samples:
    before = samples.copy()
    after = separation.separate(Decoded(samples, rate), separator)
    assert np.array_equal(samples, before)
    assert after.sample_rate == rate
    assert after.samples.shape == samples.shape
    assert after.samples.dtype == np.float32
    return after.samples


def test_the_singer_goes_and_the_band_stays(centre: Separator) -> None:
    voice, band = sung(3)
    after = left(np.hstack([voice + band, voice - band]), centre)
    assert np.abs(after - np.hstack([band, -band])).max() < 1e-4


@pytest.mark.parametrize("rate", [16000, 22050, 32000, 48000])
def test_at_any_rate(centre: Separator, rate: int) -> None:
    voice, band = sung(1.5, rate)
    after = left(np.hstack([voice + band, voice - band]), centre, rate)
    inner = slice(rate // 10, -rate // 10)  # a hard edge rings where it is resampled
    assert np.abs(after - np.hstack([band, -band]))[inner].max() < 2e-3


def test_one_channel_is_heard_as_both(centre: Separator) -> None:
    assert np.abs(left(sung(1)[0], centre)).max() < 1e-4


def test_more_channels_are_heard_two_by_two(centre: Separator) -> None:
    voice, band = sung(1)
    after = left(np.hstack([voice + band, voice - band, voice + band]), centre)
    assert np.abs(after - np.hstack([band, -band, 0 * band])).max() < 1e-4


@pytest.mark.parametrize("frames", [0, 1, 2, 100, 33074, 33075, 33076, 44100, 66151])
def test_any_length(centre: Separator, frames: int) -> None:
    """Around one segment (44,100) and where the next one starts (33,075)."""
    voice, band = sung(2)
    after = left(np.hstack([voice + band, voice - band])[:frames], centre)
    assert np.isfinite(after).all()
    if frames >= 100:  # fewer have no level to speak of
        assert np.abs(after - np.hstack([band, -band])[:frames]).max() < 1e-3


@pytest.mark.parametrize("frames", [1, 3, 15999, 16000, 16001])
def test_any_length_at_another_rate(centre: Separator, frames: int) -> None:
    assert np.isfinite(left(sung(1.1, 16000)[0][:frames], centre, 16000)).all()


def test_what_demucs_cannot_hear_stays(centre: Separator) -> None:
    high = sounds.faded(sounds.sine(30000, 1, rate=96000, channels=2))
    assert np.abs(left(high, centre, 96000) - high).max() < 1e-3


def test_silence_stays_silent(chance: Separator) -> None:
    assert np.abs(left(np.zeros((RATE, 2), np.float32), chance)).max() < 1e-6


def test_an_offset_stays(centre: Separator) -> None:
    _, band = sung(2)
    after = left(np.hstack([band, -band]) + np.float32(0.1), centre)
    assert after.mean() == pytest.approx(0.1, abs=1e-4)


def test_vocals_are_those_of_demucs_itself(chance: Separator) -> None:
    """In pieces or as a whole, one stem or four."""
    voice, band = sung(3.3)
    samples = np.hstack([voice + band, voice - band])
    mix = torch.from_numpy(samples.T.copy())
    mean, std = mix.mean(0).mean(), mix.mean(0).std() + 1e-8
    network = separation.load(chance)._network
    with separation._one_thread(), torch.no_grad():
        stems = apply_model(network, ((mix - mean) / std)[None], shifts=0, overlap=0.25)[0] * std
    vocals = stems[standin.SOURCES.index("vocals")].numpy().T
    assert np.abs(vocals).max() > 1e-3  # it says something
    assert np.abs(left(samples, chance) - (samples - vocals)).max() < 1e-5


def test_the_same_every_time(chance: Separator) -> None:
    voice, band = sung(1.5)
    samples = np.hstack([voice + band, voice])
    first = left(samples, chance)
    torch.manual_seed(5)
    random.seed(5)
    threads = torch.get_num_threads()
    separation.load.cache_clear()
    assert np.array_equal(left(samples, chance), first)
    assert torch.get_num_threads() == threads


# --- finding weights ----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))


def pinned(path: Path) -> zoo.Model:
    return replace(HTDEMUCS, pinned={"th": hashlib.sha256(path.read_bytes()).hexdigest()})


def test_the_official_weights_are_those_that_demucs_names() -> None:
    remote = Path(demucs.__file__).parent / "remote"
    assert HTDEMUCS.file("th") in (remote / "files.txt").read_text().split()
    signature, digits = HTDEMUCS.file("th").removesuffix(".th").split("-")
    assert signature in (remote / "htdemucs.yaml").read_text()
    assert HTDEMUCS.pinned["th"].startswith(digits)
    assert len(HTDEMUCS.pinned["th"]) == 64


def test_weights_are_found(tmp_path: Path, centre: Separator) -> None:
    path = tmp_path / HTDEMUCS.file("th")
    path.write_bytes(centre.weights.read_bytes())
    assert separation.find(tmp_path, pinned(path)) == Separator(path, centre.sha256)


def test_missing_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CurateError) as caught:
        separation.find(tmp_path)
    assert str(caught.value).splitlines() == [
        f"htdemucs, which `vocals: separate` asks for, cannot be used (in {tmp_path}):",
        f"  {HTDEMUCS.file('th')} is not there",
        "run `curate models fetch htdemucs`, or set `vocals: keep` or `drop_tracks`",
    ]
    with pytest.raises(CurateError, match=r"`curate models fetch htdemucs --models '/else where'`"):
        separation.find(Path("/else where"))


@pytest.mark.parametrize("data", [b"", b"<html>", b"PK" + bytes(100)])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / HTDEMUCS.file("th")).write_bytes(data)
    with pytest.raises(CurateError, match="is cut off, changed or another file") as caught:
        separation.find(tmp_path)
    assert "or set `vocals: keep`" in str(caught.value)
    assert "`curate models accept htdemucs` if another version is meant" in str(caught.value)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "PACKAGES", ("torch", "no_such_package"))
    with pytest.raises(CurateError, match="needs no_such_package, not installed here; run `pip in"):
        separation.find(tmp_path)


def test_finding_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from curate import treatments\n"
        "from curate.treatments import separation\n"
        f"try: separation.find(Path({str(tmp_path)!r}))\n"
        "except separation.CurateError as error: print(error)\n"
        "assert not {'torch', 'demucs', 'scipy'} & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "curate models fetch htdemucs" in run.stdout


def test_weights_that_changed_since_are_refused(tmp_path: Path) -> None:
    path = standin.write(tmp_path / "x.th", standin.chance(1))
    separator = found(path)
    standin.write(path, standin.chance(2))
    with pytest.raises(CurateError, match=r"x\.th changed while it was in use; remove it and run"):
        separation.load(separator)
    path.unlink()
    with pytest.raises(CurateError, match=r"x\.th cannot be read: No such file"):
        separation.load(separator)


def test_weights_are_tried_on_silence(tmp_path: Path, centre: Separator) -> None:
    assert separation.probe(centre) == ""
    other = found(standin.write(tmp_path / "o.th", {"klass": None}))
    assert separation.probe(other).endswith("o.th is no checkpoint of demucs.htdemucs.HTDemucs")
    with pytest.raises(CurateError, match=r"HTDemucs; remove it and run `curate models fetch htde"):
        separation.load(other)
    network = standin.chance()
    torch.nn.init.constant_(network.tdecoder[-1].conv_tr.bias, torch.nan)
    broken = found(standin.write(tmp_path / "n.th", network))
    assert separation.probe(broken).endswith("n.th gives numbers that are not finite for silence")
