"""Text and sound: does a clip sound like its prompt, in the eyes of a model of both?

Conventions: sounds are rows of length 1 [windows, width] by clip, texts are rows of length 1
[width] by clip, of the same model (`textaudio`). Scores are cosines, -1..1; higher is better, and
only those of one checkpoint can be compared: the same model's score changes by more than a factor
of two from checkpoint to checkpoint, so the checkpoint stands in every result. `n` counts clips.

- `score`: the mean over the windows of a clip of the cosine with its own prompt.
- `contrast`: the score minus the clip's mean score with all other prompts. A model that ignores its
  prompt has 0 here, however well all prompts of a genre fit all clips.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..features.textaudio import TextAudio
from .statistics import Figure, figure

Rows = npt.NDArray[np.float32]
ByClip = Mapping[str, Rows]


def validate(sounds: ByClip, texts: ByClip) -> None:
    """Checks embeddings.

    Raises:
        ValueError: A clip has no prompt, or rows that are not of the prompt's width or of length 1.
    """
    if not sounds:
        raise ValueError("no clips; expected at least one")
    for key, rows in sounds.items():
        if key not in texts:
            raise ValueError(f"clip {key}: no prompt")
        if rows.ndim != 2 or not len(rows) or rows.shape[1:] != texts[key].shape:
            raise ValueError(
                f"clip {key}: sounds {rows.shape} and text {texts[key].shape}, expected "
                "[windows, width] and [width] of one model"
            )
        lengths = np.linalg.norm(np.vstack([rows, texts[key]]), axis=1)
        if not np.allclose(lengths, 1.0, atol=1e-3):
            raise ValueError(f"clip {key}: embeddings of length {lengths[0]:.3g}, expected 1")


def prompts(model: TextAudio, texts: Mapping[str, str]) -> dict[str, Rows]:
    """The embeddings of prompts by clip; the same text is embedded once."""
    different = list(dict.fromkeys(texts.values()))
    rows = dict(zip(different, model.texts(different), strict=True))
    return {key: rows[text] for key, text in texts.items()}


def scores(sounds: ByClip, texts: ByClip) -> dict[str, float]:
    """The score of each clip."""
    return {
        key: float(np.mean(rows.astype(np.float64) @ texts[key])) for key, rows in sounds.items()
    }


def contrasts(sounds: ByClip, texts: ByClip) -> dict[str, float]:
    """The contrast of each clip; needs two different prompts."""
    keys = list(sounds)
    said = np.stack([texts[key] for key in keys]).astype(np.float64)
    heard = np.stack([sounds[key].mean(0, dtype=np.float64) for key in keys])
    return _contrasts(keys, heard @ said.T, said)


def _contrasts(
    keys: Sequence[str], cosines: npt.NDArray[np.float64], said: npt.NDArray[np.float64]
) -> dict[str, float]:
    found = {}
    for place, key in enumerate(keys):
        others = np.any(said != said[place], axis=1)
        if others.any():
            found[key] = float(cosines[place, place] - cosines[place, others].mean())
    return found


def evaluate(sounds: ByClip, texts: ByClip, baseline: ByClip | None = None) -> dict[str, Figure]:
    """`score`, and where there are two different prompts `contrast`.

    Args:
        sounds: Of the model's clips.
        texts: Of the prompts, by the same keys; more of them do not matter.
        baseline: Of the baseline's clips.

    Raises:
        ValueError: See `validate`.
    """
    validate(sounds, texts)
    if baseline is not None:
        validate(baseline, texts)
    found = {}
    for name, measure in (("score", scores), ("contrast", contrasts)):
        own = measure(sounds, texts)
        if own:
            found[name] = figure(own, None if baseline is None else measure(baseline, texts))
    return found
