"""What is measured of a model: one module a kind of metric, one table of all their figures.

`features` is what is known of clips: their sound, embeddings and labels, each computed once and
kept, and the models that give them. `metrics` are pure functions of these, all of one shape;
whatever becomes of one, `metrics.outcome.attempt` ends no training. `reports` is what comes of it.

The command: `options`, `material` (the dataset), `subjects` and `making` (whose clips),
`measuring` (every metric over every subject), `running` (all of it, in order). `beside` is how a
training asks for it.

Nothing here imports torch or Essentia when it is imported.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the report.

    Attributes:
        name: Its key in what the module's `evaluate` gives.
        module: Which module measures it.
        better: Which way is better; `near` where the real clips' value is what to reach.
        unit: Of its value; "" for a plain number.
        words: What it says.
    """

    name: str
    module: str
    better: Literal["lower", "higher", "near"]
    unit: str
    words: str


_ASPECTS = {
    "key": "key",
    "key_near": "key, or its fifth, relative or parallel",
    "tempo": "tempo within 4%",
    "tempo_octave": "tempo, half, double or triple",
    "genre": "genres",
    "mood": "moods",
    "instrument": "instruments",
    "vocals": "singing or none",
}

METRICS: tuple[Metric, ...] = (
    Metric("fad", "frechet", "lower", "", "distance of the sounds from real ones"),
    Metric("fad_infinity", "frechet", "lower", "", "the same, freed from the number of clips"),
    Metric("score", "clap", "higher", "cosine", "how well clips fit their prompts"),
    Metric("contrast", "clap", "higher", "cosine", "how much better than other prompts"),
    Metric(
        "paired",
        "posteriors",
        "lower",
        "nats",
        "D(real clip || clip) of labels",
    ),
    Metric(
        "pooled",
        "posteriors",
        "lower",
        "nats",
        "D(all real || all clips) of labels",
    ),
    *(
        Metric(f"{aspect}_{kind}", "adherence", "higher", "share", f"{words}: {said}")
        for aspect, words in _ASPECTS.items()
        for kind, said in (("precision", "heard and asked for"), ("recall", "asked for and heard"))
    ),
    Metric("mel_mse", "spectral", "lower", "dB²", "log-mel spectrogram against the real clip's"),
    Metric("chroma", "spectral", "lower", "1 - cosine", "pitch classes against the real clip's"),
    Metric("silence", "spectral", "near", "share", "silent"),
    Metric("clipping", "spectral", "near", "share", "clipped"),
    Metric("repetition", "spectral", "near", "share", "repeated exactly"),
    Metric("diversity", "novelty", "near", "1 - cosine", "how different clips are"),
    Metric("nearest", "novelty", "near", "1 - cosine", "how far the nearest training clip is"),
    Metric("near_share", "novelty", "near", "share", "nearer to training than real music is"),
    Metric("copied_share", "novelty", "lower", "share", "holding 5 s of a training recording"),
)
"""Every figure there is, but for those of likelihood."""
