"""What artists.yaml may ask to be done to the sound, and what depends on it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import demucs_standin as standin
import numpy as np
import pytest
import sounds

from curate import treatments
from curate.audio import Decoded
from curate.config import Artist, Config
from curate.treatments import Separator

PLAIN = Config("x", "made by a test", (Artist("a", ("*.wav",)),))
ALL = replace(PLAIN, denoise=True, vocals="separate", normalize=True)
WEIGHTS = Separator(Path("w.th"), "0" * 64)


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (PLAIN, ()),
        (replace(PLAIN, vocals="drop_tracks"), ()),
        (replace(PLAIN, denoise=True), ("denoise",)),
        (replace(PLAIN, vocals="separate"), ("separate",)),
        (replace(PLAIN, normalize=True), ("normalize",)),
        (ALL, ("denoise", "separate", "normalize")),
    ],
)
def test_steps_are_named_in_their_order(config: Config, steps: tuple[str, ...]) -> None:
    assert treatments.steps(config) == steps


def test_nothing_is_done_by_default() -> None:
    decoded = Decoded(sounds.noise(1), 44100)
    assert treatments.treat(decoded, PLAIN, None) is decoded
    assert treatments.fingerprint(PLAIN, WEIGHTS) == ""
    assert treatments.clip_fingerprint(PLAIN) == ""


def test_every_treatment_has_its_own_fingerprint() -> None:
    quiet, alone = replace(PLAIN, denoise=True), replace(PLAIN, vocals="separate")
    other = replace(WEIGHTS, sha256="1" * 64)
    names = {
        treatments.fingerprint(quiet, None),
        treatments.fingerprint(alone, WEIGHTS),
        treatments.fingerprint(alone, other),
        treatments.fingerprint(ALL, WEIGHTS),
        treatments.fingerprint(PLAIN, None),
    }
    assert len(names) == 5


def test_what_is_done_to_clips_is_no_matter_of_tracks() -> None:
    levelled = replace(PLAIN, normalize=True)
    assert treatments.fingerprint(levelled, None) == ""
    assert treatments.clip_fingerprint(levelled) == treatments.clip_fingerprint(ALL) != ""


def test_the_folder_of_the_weights_is_no_matter() -> None:
    moved = replace(WEIGHTS, weights=Path("elsewhere"))
    assert treatments.fingerprint(ALL, moved) == treatments.fingerprint(ALL, WEIGHTS)


def test_a_separator_is_needed() -> None:
    with pytest.raises(ValueError, match="needs a separator"):
        treatments.fingerprint(ALL, None)
    with pytest.raises(ValueError, match="needs a separator"):
        treatments.treat(Decoded(sounds.noise(1), 44100), ALL, None)


def test_noise_and_vocals_go_from_one_track(tmp_path: Path) -> None:
    """A singer in the middle for a second in three, a band at the sides, hiss in both channels."""
    path = standin.write(tmp_path / "w.th", standin.centre())
    separator = Separator(path, hashlib.sha256(path.read_bytes()).hexdigest())
    seconds = 12
    now = np.arange(seconds * 44100)[:, None] / 44100
    voice = sounds.sine(440, seconds, peak=0.3) * (now % 3 < 1)
    band = sounds.sine(700, seconds, peak=0.2) * (now % 3 < 2)
    hiss = sounds.noise(seconds, level=0.005, channels=2)
    track = (np.hstack([voice + band, voice - band]) + hiss).astype(np.float32)
    made = treatments.treat(Decoded(track, 44100), ALL, separator).samples
    assert made.shape == track.shape
    sung, still = (now[:, 0] % 3 > 0.2) & (now[:, 0] % 3 < 0.8), now[:, 0] % 3 > 2.2
    ideal = np.hstack([band, -band])
    assert np.sqrt(np.mean((made - ideal)[sung] ** 2)) < 0.005
    assert np.sqrt(np.mean(made[still & (now[:, 0] % 3 < 2.8)] ** 2)) < 0.0015
