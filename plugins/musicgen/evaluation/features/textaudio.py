"""Models that put text and sound into one space: CLAP by transformers, MuQ-MuLan by its package.

Conventions: sound is cut into windows of 10 s without overlap; a rest of at least 1 s is a window
too, and so is a clip that is shorter (CLAP repeats it until it fills 10 s). Rows are of length 1.
Nothing is drawn at random: CLAP's own extractor would take a random 10 s of a longer clip.
"""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from curate.records import Hertz, Seconds

from ..metrics.outcome import NotRun
from . import models
from .sounds import Mono

WINDOW_S: Seconds = 10.0
REST_S: Seconds = 1.0
TOKENS = 77
"""A text is cut there, as LAION's own code does."""

Rows = npt.NDArray[np.float32]


class TextAudio(Protocol):
    """An `Embedder` that embeds texts too."""

    name: str

    def texts(self, texts: Sequence[str]) -> Rows:
        """Texts to [n, width]."""
        ...


def windows(clip: Mono, rate: Hertz) -> list[Mono]:
    """A clip in windows; see above."""
    size = round(WINDOW_S * rate)
    whole = [clip[start : start + size] for start in range(0, len(clip) - size + 1, size)]
    rest = clip[len(whole) * size :]
    return [*whole, rest] if len(rest) >= REST_S * rate else whole


class Clap:
    """LAION's CLAP from a folder or the Hub's cache.

    Raises:
        NotRun: It is not there, or no CLAP; or transformers is not installed.
    """

    name = "clap"
    batch = 4

    def __init__(self, name: str) -> None:
        folder, self.checkpoint = models.hub(name, "CLAP")
        try:
            import torch
            from transformers import ClapModel, ClapProcessor
        except ImportError as error:
            raise NotRun(
                f"CLAP needs transformers ({error})", "pip install 'musicgen-curate[train]'"
            ) from None
        try:
            self._processor: Any = ClapProcessor.from_pretrained(folder, local_files_only=True)
            with _quiet():
                loaded: Any = ClapModel.from_pretrained(
                    folder, local_files_only=True, output_loading_info=True
                )
            model, info = loaded
        except Exception as error:  # they come from several libraries
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise NotRun(f"CLAP: {folder} cannot be read as one: {said}") from None
        lost = sorted(info["missing_keys"])
        if lost:
            raise NotRun(f"CLAP: {folder} lacks {len(lost)} of its weights, such as {lost[0]}")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.to(device).eval()
        self.rate: Hertz = int(self._processor.feature_extractor.sampling_rate)

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """See `Embedder`."""
        cut = [windows(clip, self.rate) for clip in clips]
        flat = [window for some in cut for window in some]
        rows = self._sounds(flat) if flat else np.zeros((0, self.width), np.float32)
        ends = np.cumsum([len(some) for some in cut])
        return [rows[end - len(some) : end] for end, some in zip(ends, cut, strict=True)]

    @property
    def width(self) -> int:
        """Of its space."""
        return int(self._model.config.projection_dim)

    def _sounds(self, flat: list[Mono]) -> Rows:
        import torch

        with _same_random():  # its extractor draws even where nothing depends on it
            given = self._processor.feature_extractor(
                flat, sampling_rate=self.rate, return_tensors="pt"
            )
        features = given["input_features"].to(self._model.device, torch.float32)
        longer = torch.zeros((len(flat), 1), dtype=torch.bool, device=self._model.device)
        with torch.inference_mode():
            return _unit(self._model.get_audio_features(features, is_longer=longer))

    def texts(self, texts: Sequence[str]) -> Rows:
        """See `TextAudio`."""
        import torch

        parts = [np.zeros((0, self.width), np.float32)]
        for first in range(0, len(texts), 32):
            given = self._processor.tokenizer(
                list(texts[first : first + 32]),
                padding=True,
                truncation=True,
                max_length=TOKENS,
                return_tensors="pt",
            ).to(self._model.device)
            with torch.inference_mode():
                found = self._model.get_text_features(
                    given["input_ids"], attention_mask=given["attention_mask"]
                )
            parts.append(_unit(found))
        return np.concatenate(parts)


class Muq:
    """Tencent's MuQ-MuLan, by the package `muq`.

    Raises:
        NotRun: The package is not installed, or the weights are not there.
    """

    name = "muq"
    batch = 1
    rate: Hertz = 24000

    def __init__(self, name: str) -> None:
        if importlib.util.find_spec("muq") is None:
            raise NotRun("MuQ-MuLan needs the package muq", "pip install muq")
        folder, self.checkpoint = models.hub(name, "MuQ-MuLan")
        import torch
        from muq import MuQMuLan  # type: ignore[import-not-found]

        try:
            model = MuQMuLan.from_pretrained(str(folder), local_files_only=True)
        except Exception as error:  # they come from several libraries
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise NotRun(f"MuQ-MuLan: {folder} cannot be loaded: {said}") from None
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """See `Embedder`."""
        return [self._one(clip) for clip in clips]

    def _one(self, clip: Mono) -> Rows:
        import torch

        device = next(self._model.parameters()).device
        with torch.inference_mode():
            rows = [
                _unit(self._model(wavs=torch.from_numpy(window)[None].to(device)))
                for window in windows(clip, self.rate)
            ]
        return np.concatenate(rows) if rows else np.zeros((0, 512), np.float32)

    def texts(self, texts: Sequence[str]) -> Rows:
        """See `TextAudio`."""
        import torch

        with torch.inference_mode():
            return _unit(self._model(texts=list(texts)))


def _unit(found: Any) -> Rows:
    """What a model gives, as rows of length 1. transformers 5 wraps it, 4 does not."""
    values = getattr(found, "pooler_output", found).float().cpu().numpy()
    lengths = np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
    return np.asarray(values / lengths, np.float32)


@contextlib.contextmanager
def _same_random() -> Iterator[None]:
    """A training's random numbers go on as if nothing had been drawn here."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
