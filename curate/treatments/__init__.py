"""What may be done to the sound itself: nothing by default.

`denoise`, `vocals` and `normalize` in artists.yaml, done in this order, because noise is steady
only before anything else is taken away, and the loudness that counts is that of what is written:

* `denoise`: steady noise taken out of a track (`noise`);
* `separate`: vocals taken out of a track (`separation`);
* `normalize`: each clip brought to -14 LUFS (`level`).
"""

from curate.audio import Decoded
from curate.config import Config
from curate.names import digest
from curate.treatments import level as _level
from curate.treatments import noise, separation
from curate.treatments.separation import Separator

level = _level.level

DENOISE, SEPARATE, NORMALIZE = "denoise", "separate", "normalize"


def steps(config: Config) -> tuple[str, ...]:
    """Names of what is done to the sound, in order; () by default."""
    asked = (
        (DENOISE, config.denoise),
        (SEPARATE, config.vocals == "separate"),
        (NORMALIZE, config.normalize),
    )
    return tuple(name for name, wanted in asked if wanted)


def fingerprint(config: Config, separator: Separator | None) -> str:
    """Names what `treat` makes of a track, "" where it does nothing.

    Whatever is found out of the treated sound, or made of it, depends on this.
    """
    done = steps(config)
    parts: list[object] = []
    if DENOISE in done:
        parts += [DENOISE, noise.VERSION]
    if SEPARATE in done:
        parts += [SEPARATE, separation.VERSION, _needed(separator).sha256]
    return digest(*parts) if parts else ""


def clip_fingerprint(config: Config) -> str:
    """Names what is done to each clip beside, "" where nothing is. Only the clips depend on it."""
    return digest(NORMALIZE, _level.VERSION) if NORMALIZE in steps(config) else ""


def treat(decoded: Decoded, config: Config, separator: Separator | None) -> Decoded:
    """A track as artists.yaml wants it: as long as before, the same object where nothing is done.

    Args:
        decoded: The whole track, finite (as `inspect.measure` leaves it).
        config: Of the build.
        separator: Needed where `vocals` is `separate`; see `separation.find`.

    Raises:
        CurateError: The weights of the separator cannot be used.
    """
    done = steps(config)
    if DENOISE in done:
        decoded = noise.denoise(decoded)
    if SEPARATE in done:
        decoded = separation.separate(decoded, _needed(separator))
    return decoded


def _needed(separator: Separator | None) -> Separator:
    if separator is None:
        raise ValueError("`vocals: separate` needs a separator; see separation.find")
    return separator
