"""A small deterministic synthesiser: timbres, drums, and the mix of parts into a stereo recording.

Conventions: everything is ``float32`` at `SAMPLE_RATE`; pitches are MIDI note numbers (A4 = 69),
times are seconds, velocities 0..1. All noise comes from generators seeded by instrument and pitch
(or by the caller's seed), so the same parts give the same samples.

Speed comes from three things: tones are cached by instrument, pitch and length class, so a song
costs some hundred tones and the rest is adding; a sum of decaying partials is one matrix product
(`_partials`); vibrato tones use the Chebyshev recurrence instead of one sine a harmonic.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal import lfilter

Seconds = float
Samples = np.ndarray
Values = Sequence[float] | np.ndarray

SAMPLE_RATE = 44100
PEAK = 0.89
"""Largest absolute sample value of a mix (about -1 dBFS)."""
LENGTH_CLASSES: tuple[Seconds, ...] = (0.7, 1.4, 2.8, 5.6, 11.2)
"""A tone is computed at the next of these lengths and cut, so that the cache is hit often."""
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Note:
    """One note (or drum stroke, then `pitch` is a key of `DRUMS`)."""

    start_s: Seconds
    seconds: Seconds
    pitch: int | str
    velocity: float


@dataclass(frozen=True, slots=True)
class Part:
    """Notes played on one instrument at one place in the stereo image."""

    timbre: str
    """A key of `TIMBRES`, or ``drums``."""
    notes: tuple[Note, ...]
    gain: float
    pan: float
    """-1 left .. 1 right, constant power."""
    reverb: float
    """Send level into the common reverb, 0..1."""


@dataclass(frozen=True, slots=True)
class Timbre:
    """How an instrument sounds: its tone, how it ends, and how loud it is against the others."""

    tone: Callable[[float, int, np.random.Generator], Samples]
    """(frequency in Hz, number of samples, noise) -> tone [n], not yet released."""
    release_s: Seconds
    rms: float
    """Level of a tone's first 0.5 s, which balances the instruments."""


def hertz(pitch: float, tuning_hz: float = 440.0) -> float:
    """Frequency of a MIDI pitch in equal temperament, with A4 (69) at `tuning_hz`."""
    return tuning_hz * 2.0 ** ((pitch - 69.0) / 12.0)


def _time(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.float64) / SAMPLE_RATE


def _partials(frequencies: Values, amplitudes: Values, decays: Values, count: int) -> Samples:
    """Sum of decaying sines, ``sum a_k exp(-d_k t) sin(2 pi f_k t)``, as one matrix product.

    With t = block start + offset each term is the imaginary part of a product of two complex
    exponentials, so the sum over k is [blocks, 2K] @ [2K, block].
    """
    keep = [i for i, f in enumerate(frequencies) if f < 0.45 * SAMPLE_RATE]
    rate = np.array([-decays[i] + 2j * np.pi * frequencies[i] for i in keep]) / SAMPLE_RATE
    blocks = -(-count // _BLOCK)
    starts = np.exp(np.outer(np.arange(blocks) * _BLOCK, rate))
    offsets = np.exp(np.outer(rate, np.arange(_BLOCK)))
    starts = starts * np.array([amplitudes[i] for i in keep])
    left = np.concatenate([starts.real, starts.imag], axis=1).astype(np.float32)
    right = np.concatenate([offsets.imag, offsets.real], axis=0).astype(np.float32)
    # Not `@`: BLAS rounds differently with the number of threads.
    return np.einsum("bk,kn->bn", left, right).reshape(-1)[:count]


def _harmonics(phase: np.ndarray, amplitudes: Values) -> Samples:
    """``sum a_k sin(k phase)`` by sin(k x) = 2 cos(x) sin((k-1) x) - sin((k-2) x)."""
    current = np.sin(phase).astype(np.float32)
    double_cos = (2.0 * np.cos(phase)).astype(np.float32)
    previous = np.zeros_like(current)
    out = current * np.float32(amplitudes[0])
    for amplitude in amplitudes[1:]:
        previous, current = current, double_cos * current - previous
        out += np.float32(amplitude) * current
    return out


def _vibrato_phase(
    frequency: float, count: int, rate_hz: float, depth: float, delay_s: Seconds, start: float
) -> np.ndarray:
    """Phase in radians [count]; `depth` is the relative frequency deviation, reached late."""
    t = _time(count)
    grown = np.clip((t - delay_s) / 0.4, 0.0, 1.0)
    deviation = depth * grown * np.sin(2 * np.pi * rate_hz * t + start)
    return 2 * np.pi * frequency * np.cumsum(1.0 + deviation) / SAMPLE_RATE


def _attack(tone: Samples, seconds: Seconds) -> Samples:
    size = min(int(seconds * SAMPLE_RATE), tone.size)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(size, dtype=np.float32) / max(size, 1))
    tone[:size] *= ramp.astype(np.float32)
    return tone


def _band_count(frequency: float, most: int, ceiling_hz: float = 12000.0) -> int:
    return max(1, min(most, int(ceiling_hz / frequency)))


def _pluck(
    frequency: float,
    count: int,
    noise: np.random.Generator,
    *,
    damping: float,
    decay_s: Seconds,
    bright: float,
    position: float,
) -> Samples:
    """Karplus-Strong string (Karplus & Strong 1983; tuning by Jaffe & Smith 1983).

    Computed a period at a time: each block depends on the block before only.

    Args:
        damping: share of the one-sample-late tap in the loop, 0..0.5: how fast highs die.
        decay_s: time in which the fundamental falls by 60 dB through the loop gain alone.
        bright: 0..1, how much of the excitation's treble is kept.
        position: where the string is plucked, as a share of its length (notches a harmonic).
    """
    period = SAMPLE_RATE / frequency
    whole = int(period - damping - 1e-6)
    fraction = period - damping - whole
    taps = np.convolve([1.0 - damping, damping], [1.0 - fraction, fraction])
    taps = taps * 10.0 ** (-3.0 / (decay_s * frequency))
    burst = noise.uniform(-1.0, 1.0, whole)
    burst = lfilter([bright], [1.0, bright - 1.0], burst)
    shift = max(1, int(position * whole))
    burst = burst - np.roll(burst, shift)
    burst -= burst.mean()
    out = np.zeros(count + whole + 2)
    out[2 : 2 + whole] = burst
    head = 2 + whole
    while head < out.size:
        size = min(whole, out.size - head)
        at = head - whole
        out[head : head + size] = (
            taps[0] * out[at : at + size]
            + taps[1] * out[at - 1 : at - 1 + size]
            + taps[2] * out[at - 2 : at - 2 + size]
        )
        head += size
    return out[2 : 2 + count].astype(np.float32)


def _koto(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    return _attack(
        _pluck(frequency, count, noise, damping=0.06, decay_s=6.5, bright=0.75, position=0.11),
        0.001,
    )


def _guitar(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    return _attack(
        _pluck(frequency, count, noise, damping=0.3, decay_s=4.5, bright=0.5, position=0.21),
        0.002,
    )


def _pizzicato(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    return _attack(
        _pluck(frequency, count, noise, damping=0.4, decay_s=1.1, bright=0.3, position=0.3), 0.003
    )


def _electric_bass(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    del noise
    k = np.arange(1, _band_count(frequency, 9, 1500.0) + 1)
    tone = _partials(frequency * k, 1.0 / k**1.2, 0.9 + 1.1 * k, count)
    return _attack(tone, 0.004)


def _piano(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    k = np.arange(1, _band_count(frequency, 16, 9000.0) + 1)
    stiff = 0.00028 * (frequency / 262.0) ** 1.2
    partials = frequency * k * np.sqrt(1.0 + stiff * k**2)
    hammer = np.exp(-k * (frequency / 1800.0)) * (1.0 - 0.6 * np.cos(2 * np.pi * k / 8.0))
    slow = 0.35 + 0.25 * k * (frequency / 262.0) ** 0.6
    tone = _partials(partials, 0.6 * hammer, slow, count)
    tone += _partials(partials * 1.0004, 0.7 * hammer, 4.5 * slow, count)
    size = min(count, 900)
    tone[:size] += (noise.normal(size=size) * 0.04 * np.exp(-np.arange(size) / 160.0)).astype("f4")
    return _attack(tone, 0.002)


def _electric_piano(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    del noise
    multiples = np.array([1.0, 2.0, 3.0, 4.0, 7.03, 14.1])
    levels = np.array([1.0, 0.42, 0.16, 0.07, 0.1, 0.03])
    decays = np.array([0.8, 1.3, 2.2, 3.5, 9.0, 16.0])
    tone = _partials(frequency * multiples, levels, decays, count)
    tremolo = 1.0 + 0.12 * np.sin(2 * np.pi * 4.6 * _time(count))
    return _attack(tone * tremolo.astype(np.float32), 0.003)


def _music_box(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    del noise
    multiples = np.array([1.0, 2.0, 3.01, 5.42, 8.9])
    levels = np.array([1.0, 0.3, 0.12, 0.18, 0.08])
    decays = np.array([1.9, 2.8, 4.0, 9.0, 18.0])
    return _attack(_partials(frequency * multiples, levels, decays, count), 0.001)


def _bell(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    """Two-operator FM (Chowning 1973), ratio 1:3.5, with a fading index."""
    del noise
    t = _time(count)
    index = 1.4 * np.exp(-3.0 * t)
    carrier = np.sin(2 * np.pi * frequency * t + index * np.sin(2 * np.pi * 3.5 * frequency * t))
    return _attack((carrier * np.exp(-1.6 * t)).astype(np.float32), 0.002)


def _flute(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    phase = _vibrato_phase(frequency, count, 5.1, 0.0055, 0.18, noise.uniform(0, 6.28))
    tone = _harmonics(phase, [1.0, 0.32, 0.16, 0.05, 0.02][: _band_count(frequency, 5)])
    breath = lfilter([0.12], [1.0, -0.88], noise.normal(size=count)).astype(np.float32)
    return _attack(tone + 0.05 * breath, 0.045)


def _shakuhachi(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    t = _time(count)
    scoop = 1.0 - 0.018 * np.exp(-t / 0.035)
    phase = _vibrato_phase(frequency, count, 4.4, 0.009, 0.3, noise.uniform(0, 6.28)) * 1.0
    phase = phase + 2 * np.pi * frequency * np.cumsum(scoop - 1.0) / SAMPLE_RATE
    tone = _harmonics(phase, [1.0, 0.5, 0.12, 0.1, 0.03][: _band_count(frequency, 5)])
    pole = np.exp(-2 * np.pi * 350.0 / SAMPLE_RATE)
    angle = 2 * np.cos(2 * np.pi * min(2 * frequency, 9000.0) / SAMPLE_RATE)
    breath = lfilter([1 - pole], [1.0, -angle * pole, pole * pole], noise.normal(size=count))
    gust = 0.10 + 0.5 * np.exp(-t / 0.05)
    return _attack(tone + (0.12 * gust * breath).astype(np.float32), 0.05)


def _bowed(
    frequency: float, count: int, noise: np.random.Generator, *, attack_s: Seconds, voices: int
) -> Samples:
    """Band-limited saw with a body-like roll-off; several detuned voices make a section."""
    k = np.arange(1, _band_count(frequency, 22, 9000.0) + 1)
    roll = 1.0 / k / (1.0 + (k * frequency / 3200.0) ** 2)
    tone = np.zeros(count, np.float32)
    for voice in range(voices):
        detune = 2.0 ** ((voice - (voices - 1) / 2) * 7.0 / 1200.0)
        rate = 5.3 + 0.5 * voice
        phase = _vibrato_phase(
            frequency * detune, count, rate, 0.0045, 0.15, noise.uniform(0, 6.28)
        )
        tone += _harmonics(phase + noise.uniform(0, 6.28), roll)
    return _attack(tone, attack_s)


def _violin(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    return _bowed(frequency, count, noise, attack_s=0.05, voices=1)


def _strings(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    return _bowed(frequency, count, noise, attack_s=0.07, voices=2)


def _pad(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    k = np.arange(1, _band_count(frequency, 10, 2500.0) + 1)
    tone = np.zeros(count, np.float32)
    for cents in (-6.0, 5.0):
        phase = 2 * np.pi * frequency * 2.0 ** (cents / 1200.0) * _time(count)
        tone += _harmonics(phase + noise.uniform(0, 6.28), 1.0 / k**1.4)
    return _attack(tone, 0.18)


def _organ(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    del noise
    multiples = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0])
    levels = np.array([0.35, 1.0, 0.12, 0.5, 0.25, 0.2, 0.06])
    return _attack(_partials(frequency * multiples, levels, 0.0 * multiples, count), 0.012)


def _lead(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    k = np.arange(1, _band_count(frequency, 16, 7000.0) + 1)
    pulse = np.sin(np.pi * k * 0.38) / k
    phase = _vibrato_phase(frequency, count, 5.6, 0.004, 0.25, noise.uniform(0, 6.28))
    tone = _harmonics(phase, pulse)
    tone *= (0.65 + 0.35 * np.exp(-_time(count) / 0.25)).astype(np.float32)
    return _attack(tone, 0.008)


def _overdrive(frequency: float, count: int, noise: np.random.Generator) -> Samples:
    string = _pluck(frequency, count, noise, damping=0.2, decay_s=9.0, bright=0.6, position=0.13)
    string /= max(float(np.sqrt(np.mean(string[2000:20000] ** 2))), 1e-9)
    driven = np.tanh(3.0 * string)
    cabinet = lfilter([0.2], [1.0, -0.8], lfilter([1.0, -1.0], [1.0, -0.995], driven))
    return _attack((cabinet * np.exp(-0.3 * _time(count))).astype(np.float32), 0.004)


TIMBRES: dict[str, Timbre] = {
    "koto": Timbre(_koto, 0.9, 0.11),
    "guitar": Timbre(_guitar, 0.4, 0.11),
    "pizzicato": Timbre(_pizzicato, 0.3, 0.12),
    "electric bass": Timbre(_electric_bass, 0.06, 0.14),
    "piano": Timbre(_piano, 0.25, 0.12),
    "electric piano": Timbre(_electric_piano, 0.2, 0.11),
    "music box": Timbre(_music_box, 1.2, 0.10),
    "bell": Timbre(_bell, 0.8, 0.09),
    "flute": Timbre(_flute, 0.09, 0.12),
    "shakuhachi": Timbre(_shakuhachi, 0.12, 0.12),
    "violin": Timbre(_violin, 0.12, 0.11),
    "strings": Timbre(_strings, 0.18, 0.10),
    "synth pad": Timbre(_pad, 0.4, 0.08),
    "organ": Timbre(_organ, 0.05, 0.10),
    "synth lead": Timbre(_lead, 0.07, 0.10),
    "electric guitar": Timbre(_overdrive, 0.06, 0.09),
}


@lru_cache(maxsize=2048)
def _tone(timbre: str, pitch: int, count: int, tuning_hz: float) -> Samples:
    """A full-length tone at the instrument's level; never written to by callers."""
    seed = [zlib.crc32(timbre.encode()), pitch]
    entry = TIMBRES[timbre]
    tone = entry.tone(hertz(pitch, tuning_hz), count, np.random.default_rng(seed))
    level = float(np.sqrt(np.mean(np.square(tone[: SAMPLE_RATE // 2], dtype=np.float64))))
    return tone * np.float32(entry.rms / max(level, 1e-9))


def tone(timbre: str, pitch: int, seconds: Seconds, tuning_hz: float = 440.0) -> Samples:
    """One released note.

    Args:
        timbre: key of `TIMBRES`.
        pitch: MIDI note number.
        seconds: time until the release starts, at most 11 s (longer notes are cut).
        tuning_hz: frequency of A4.

    Returns:
        float32 [seconds + release], at the instrument's natural level.
    """
    release = int(TIMBRES[timbre].release_s * SAMPLE_RATE)
    wanted = int(seconds * SAMPLE_RATE) + release
    classes = [int(c * SAMPLE_RATE) for c in LENGTH_CLASSES]
    full = _tone(timbre, pitch, next((c for c in classes if c >= wanted), classes[-1]), tuning_hz)
    out = full[:wanted].copy()
    size = min(release, out.size)
    out[out.size - size :] *= np.linspace(1.0, 0.0, size, dtype=np.float32) ** 2
    return out
