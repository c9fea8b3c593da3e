"""classify: what models say of a track and of each of its windows. It makes no files.

Its result stands beside those of `label` and `chunk`: another model, another floor, and only this
stage is done again; another threshold does nothing here at all.
"""

from curate import audio
from curate.config import Config
from curate.labels import signal
from curate.labels.models.weights import Files
from curate.names import digest
from curate.records import Classified, Fetched
from curate.stages import chunk

NAME = "classify"
VERSION = 1

NOTHING = Classified((), ())
"""The result where no model is asked."""


def fingerprint(fetched: Fetched, config: Config, models: tuple[Files, ...]) -> str:
    """Names what `classify` would return."""
    from curate.labels.models.listening import VERSION as MODELS

    cut = config.chunk
    windows = (cut.seconds, cut.sample_rate, cut.tail)
    asked = tuple((files.model.name, files.sha256, files.classes) for files in models)
    return digest(NAME, VERSION, MODELS, fetched.sha256, windows, config.labels.floor, asked)


def classify(
    single: signal.Mono, decoded: audio.Decoded, config: Config, models: tuple[Files, ...]
) -> Classified:
    """Asks all models about a track, whose mono mix at `signal.RATE` is `single`.

    The windows are those of `chunk.windows`, also where no clip was made of one.
    """
    if not models:
        return NOTHING
    from curate.labels.models.listening import load

    heard = load(models).listen(single, signal.RATE)
    rate, floor = config.chunk.sample_rate, config.labels.floor
    frames = audio.resampled_length(len(decoded.samples), decoded.sample_rate, rate)
    windows = chunk.windows(frames, config.chunk)
    return Classified(
        heard.whole(floor),
        tuple(heard.between(part.start / rate, part.end / rate, floor) for part in windows),
    )
