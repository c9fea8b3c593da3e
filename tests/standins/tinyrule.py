"""What the tiny stand-ins answer, in numpy: a test computes here what a model must have said.

**Embedding.** The 96 mel bands of a patch are cut into 8 groups of 12. Channel k < 8 is the mean of
group k over the patch, channel 8 the highest of these means, channel 9 the lowest, the rest is 0
(`embed`). So a low tone lights channels 0 and 1, a high tone 6 and 7, noise all.

**Traits.** Every head asks the first ten channels five questions (`TRAITS`), each a sigmoid so
steep that it is 0 or 1 on the sounds of `sound`:

    low    channels 0 + 1 - 6 - 7 above 0.1 + twice the lowest, so that noise is not low
    high   channels 6 + 7 - 0 - 1 above the same
    loud   the highest above 0.5
    quiet  the highest below 0.5
    noisy  the lowest above 1

**Labels.** `FIRES` names the classes that answer to each trait, first to last with a score of 0.9,
0.6 and 0.3; every other class says 0.01. They are found by name, whatever the order of the classes.
Of two classes that exclude each other the named one says 0.9, or 0.1 without its trait; a
regression goes from its low to its high value.

    fired("mtg_jamendo_moodtheme", TRAITS_OF["low tone"]) == {"dark": 0.9, "deep": 0.6, ...}

**Tempo.** The rises of the mean level, as a spectrum at 30 .. 285 BPM, slow tempos a little
stronger, then softmax: a click track's own tempo wins (`tempo_logits`).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

GROUPS = 8
CHANNELS = GROUPS + 2
TRAITS = ("low", "high", "loud", "quiet", "noisy")

LEVELS = (0.9, 0.6, 0.3)
OFF = 0.01
LOSER = 0.1

_TILT = np.array([1, 1, 0, 0, 0, 0, -1, -1, 0, 0], np.float32)
_HIGHEST, _LOWEST = np.eye(CHANNELS, dtype=np.float32)[GROUPS:]

TRAIT_WEIGHTS: Array = np.stack(
    [
        60 * (_TILT - 2 * _LOWEST),
        60 * (-_TILT - 2 * _LOWEST),
        30 * _HIGHEST,
        -30 * _HIGHEST,
        10 * _LOWEST,
    ],
    axis=1,
)
TRAIT_BIAS: Array = np.array([-6, -6, -15, 15, -10], np.float32)

Fires = Mapping[str, Sequence[str]]

FIRES: dict[str, Fires] = {
    "discogs": {
        "low": ("Reggae---Dub", "Electronic---Dub Techno"),
        "high": ("Pop---J-pop", "Electronic---Synth-pop", "Rock---Pop Rock"),
        "loud": ("Rock---Hard Rock",),
        "quiet": ("Electronic---Ambient", "Classical---Modern"),
        "noisy": ("Non-Music---Field Recording", "Electronic---Noise"),
    },
    "mtg_jamendo_moodtheme": {
        "low": ("dark", "deep"),
        "high": ("happy", "upbeat", "summer"),
        "loud": ("energetic", "powerful"),
        "quiet": ("calm", "soft"),
        "noisy": ("action",),
    },
    "mtg_jamendo_instrument": {
        "low": ("bass", "doublebass"),
        "high": ("bell", "flute"),
        "loud": ("electricguitar",),
        "quiet": ("piano",),
        "noisy": ("drums", "percussion"),
    },
    "mtg_jamendo_genre": {
        "low": ("dub",),
        "high": ("pop", "synthpop"),
        "loud": ("rock",),
        "quiet": ("ambient",),
        "noisy": ("experimental",),
    },
    "mtg_jamendo_top50tags": {
        "low": ("bass",),
        "high": ("pop", "happy"),
        "loud": ("rock",),
        "quiet": ("ambient",),
        "noisy": ("experimental",),
    },
    "msd": {
        "low": ("electronic",),
        "high": ("pop", "happy"),
        "loud": ("rock",),
        "quiet": ("ambient",),
        "noisy": ("experimental",),
    },
    "voice_instrumental": {"high": ("voice",)},
    "danceability": {"loud": ("danceable",)},
    "approachability": {"high": ("approachability",)},
    "engagement": {"loud": ("engagement",)},
    "deam": {"high": ("valence",), "loud": ("arousal",)},
}

RANGES = {"approachability": (0.2, 0.8), "engagement": (0.2, 0.8), "deam": (3.0, 7.0)}
"""A regression's value without and with its trait."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a head turns traits into classes: logits are `traits @ weights + bias`."""

    weights: Array
    bias: Array
    activation: str


def rule(task: str, activation: str, classes: Sequence[str]) -> Rule:
    """The rule of a task for its classes in this order."""
    weights = np.zeros((len(TRAITS), len(classes)), np.float32)
    low, high = RANGES.get(task, (0.0, 0.0))
    base = {"sigmoid": _logit(OFF), "softmax": 0.0, "identity": low}[activation]
    bias = np.full(len(classes), base, np.float32)
    for trait, names in FIRES[task].items():
        for name, level in zip(names, LEVELS, strict=False):
            if name not in classes:
                continue
            column = list(classes).index(name)
            if activation == "softmax":
                bias[column] = base = _logit(LOSER)
            rise = high - low if activation == "identity" else _logit(level) - base
            weights[TRAITS.index(trait), column] = rise
    return Rule(weights, bias, activation)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def embed(patches: Array, width: int = 1280) -> Array:
    """[n, frames, 96] to [n, width]."""
    count, frames, bands = patches.shape
    means = patches.reshape(count, frames, GROUPS, bands // GROUPS).mean((1, 3))
    filled = np.concatenate([means, means.max(1)[:, None], means.min(1)[:, None]], axis=1)
    return np.pad(filled, ((0, 0), (0, width - CHANNELS))).astype(np.float32)


def logits(embeddings: Array, rule: Rule) -> Array:
    """[n, width] to [n, classes]."""
    on = _sigmoid(embeddings[:, :CHANNELS] @ TRAIT_WEIGHTS + TRAIT_BIAS)
    return (on @ rule.weights + rule.bias).astype(np.float32)


def scores(embeddings: Array, rule: Rule) -> Array:
    """[n, width] to what the head says: [n, classes]."""
    values = logits(embeddings, rule)
    if rule.activation == "sigmoid":
        return _sigmoid(values)
    return softmax(values) if rule.activation == "softmax" else values


def _sigmoid(x: Array) -> Array:
    return (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)


def softmax(x: Array) -> Array:
    """Over the last axis."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fired(task: str, traits: Collection[str]) -> dict[str, float]:
    """What the named classes of a task say of a sound with these traits, to within 0.01."""
    low, high = RANGES.get(
        task, (LOSER if task in {"voice_instrumental", "danceability"} else OFF, 0)
    )
    found: dict[str, float] = {}
    for trait, names in FIRES[task].items():
        for name, level in zip(names, LEVELS, strict=False):
            found[name] = (high or level) if trait in traits else max(found.get(name, low), low)
    return found


TRAITS_OF = {
    "low tone": {"low", "loud"},
    "high tone": {"high", "loud"},
    "quiet tone": {"low", "quiet"},
    "noise": {"noisy", "loud"},
    "silence": {"quiet"},
}
"""The traits of each sound that `sound` makes."""


def sound(kind: str, seconds: float, rate: int = 16000) -> Array:
    """One of `TRAITS_OF`, mono: tones of 220 and 6000 Hz, white noise of -20 dBFS."""
    time = np.arange(round(seconds * rate)) / rate
    if kind == "silence":
        return np.zeros(len(time), np.float32)
    if kind == "noise":
        return (0.1 * np.random.default_rng(0).standard_normal(len(time))).astype(np.float32)
    hertz, peak = {"low tone": (220, 0.5), "high tone": (6000, 0.5), "quiet tone": (220, 0.002)}[
        kind
    ]
    return (peak * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def mel(samples: Array) -> Array:
    """Essentia's own input of EffNet and MusiCNN, 16 kHz mono to [frames, 96]; a frame is 16 ms."""
    from curate.labels.essentia import algorithms

    essentia = algorithms()
    bands = essentia.TensorflowInputMusiCNN()
    frames = essentia.FrameGenerator(samples, frameSize=512, hopSize=256)
    return np.array([bands(frame) for frame in frames])


def patches(frames: Array, size: int = 128, hop: int = 62) -> Array:
    """[frames, bands] to [n, size, bands]; the last frames that fill no patch are left out."""
    if len(frames) < size:
        return np.empty((0, size, frames.shape[1]), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(frames, size, axis=0)[::hop]
    return np.ascontiguousarray(windows.transpose(0, 2, 1))


TEMPO_FRAME_S = 512 / 11025
TEMPO_BPM: Array = np.arange(30, 286, dtype=np.float32)
TEMPO_GAINS: Array = (0.05 * np.sqrt(30 / TEMPO_BPM)).astype(np.float32)


def tempo_tables(frames: int) -> tuple[Array, Array]:
    """The time of each frame in s [frames, 1] and the turn of each tempo in rad/s [1, 256]."""
    times = np.arange(frames, dtype=np.float32)[:, None] * np.float32(TEMPO_FRAME_S)
    return times, (2 * np.pi * TEMPO_BPM / 60).astype(np.float32)[None]


def tempo_logits(patches: Array) -> Array:
    """[n, 40, frames, 1], as TempoCNN sees it, to the logits [n, 256] of 30 .. 285 BPM."""
    level = patches[..., 0].mean(1)
    onsets = np.maximum(np.diff(level, axis=1), 0)
    onsets = onsets - onsets.mean(1, keepdims=True)
    times, speeds = tempo_tables(onsets.shape[1])
    power = (onsets @ np.cos(times @ speeds)) ** 2 + (onsets @ np.sin(times @ speeds)) ** 2
    return (power * TEMPO_GAINS).astype(np.float32)
