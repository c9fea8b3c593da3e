"""Parts -> stereo recording: placing notes, panning, one common reverb, level."""

from collections.abc import Iterable

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from drums import stroke
from synth import PEAK, SAMPLE_RATE, Part, Samples, Seconds, tone

TARGET_RMS = 0.115
"""Level before the limiter; with these parts it gives about -17 to -13 LUFS."""
KNEE = 0.6
"""Samples above this are bent towards `PEAK`, never reaching it."""


def place(part: Part, count: int, tuning_hz: float = 440.0) -> Samples:
    """All notes of a part summed into one channel, float32 [count]."""
    track = np.zeros(count, np.float32)
    for note in part.notes:
        if isinstance(note.pitch, str):
            sound = stroke(note.pitch)
        else:
            sound = tone(part.timbre, note.pitch, note.seconds, tuning_hz)
        start = max(0, round(note.start_s * SAMPLE_RATE))
        size = min(sound.size, count - start)
        if size > 0:
            track[start : start + size] += np.float32(note.velocity) * sound[:size]
    return track


def reverb(send: Samples, seconds: Seconds, seed: int) -> Samples:
    """Convolve a channel with two differing exponentially decaying noises.

    Args:
        send: float32 [n].
        seconds: time in which the tail falls by 60 dB.
        seed: of the room's noise.

    Returns:
        float32 [2, n]; unit energy response, so a send of 1 is about as loud as the source.
    """
    length = int(seconds * SAMPLE_RATE)
    noise = np.random.default_rng(seed).normal(size=(2, length))
    response = noise * 10.0 ** (-3.0 * np.arange(length) / length)
    # Rooms swallow treble: a two-point mean, and no response before 12 ms.
    response[:, 1:] = 0.5 * (response[:, 1:] + response[:, :-1])
    response[:, : int(0.012 * SAMPLE_RATE)] = 0.0
    response /= np.sqrt(np.sum(response**2, axis=1, keepdims=True))
    size = next_fast_len(1 << 18, real=True)
    step = size - length
    spectrum = rfft(response.astype(np.float32), size, axis=1)
    out = np.zeros((2, send.size + size), np.float32)
    for start in range(0, send.size, step):
        block = rfft(send[start : start + step], size)
        out[:, start : start + size] += irfft(spectrum * block, size, axis=1)
    return out[:, : send.size]


def level(samples: Samples) -> Samples:
    """Bring a mix to `TARGET_RMS` and bend its peaks below `PEAK` (in place)."""
    loud = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    samples *= np.float32(TARGET_RMS / max(loud, 1e-9))
    over = np.abs(samples) > KNEE
    peaks = samples[over]
    bent = KNEE + (PEAK - KNEE) * np.tanh((np.abs(peaks) - KNEE) / (PEAK - KNEE))
    samples[over] = np.sign(peaks) * bent
    return samples


def mix(
    parts: Iterable[Part],
    seconds: Seconds,
    *,
    room_s: Seconds,
    fade_s: Seconds,
    seed: int,
    tuning_hz: float = 440.0,
) -> Samples:
    """Render parts to a levelled stereo recording.

    Args:
        parts: what is played.
        seconds: length of the result; what rings longer is cut under the fade.
        room_s: reverberation time (60 dB).
        fade_s: length of the fade at the end.
        seed: of the reverb's noise.
        tuning_hz: frequency of A4.

    Returns:
        float32 [2, seconds * 44100], absolute values at most `PEAK`.
    """
    count = round(seconds * SAMPLE_RATE)
    out = np.zeros((2, count), np.float32)
    send = np.zeros(count, np.float32)
    for part in parts:
        track = place(part, count, tuning_hz)
        angle = (part.pan + 1.0) * np.pi / 4.0
        out[0] += track * np.float32(part.gain * np.cos(angle))
        out[1] += track * np.float32(part.gain * np.sin(angle))
        send += track * np.float32(part.gain * part.reverb)
    out += reverb(send, room_s, seed)
    fade = min(count, round(fade_s * SAMPLE_RATE))
    out[:, count - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return level(out)
