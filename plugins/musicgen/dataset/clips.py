"""The clips and texts audiocraft reads, with what of its dataset is corrected here.

- A split that is not shuffled gives every clip once; upstream draws with replacement, so it
  validates on some clips twice and on others never.
- The text of a clip depends on seed, epoch and place only; upstream takes it from the state of the
  process's generator, which a resumed run does not have. How it is made: `text`.
- With the token cache a clip comes as codes, and its file is not even opened; which crop of which
  clip comes at a place is the same as without.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..mended import upstream
from . import data, text
from .tokens.crops import Tokens
from .tokens.fill import Wish, default_folder, fill

upstream.prepare()

import torch  # noqa: E402  after prepare()
from audiocraft.data.audio_dataset import (  # noqa: E402
    AudioDataset,
    AudioMeta,
    SegmentInfo,
)
from audiocraft.data.music_dataset import MusicDataset, MusicInfo  # noqa: E402
from audiocraft.modules.conditioners import WavCondition  # noqa: E402


class ClipDataset(MusicDataset):
    """audiocraft's MusicDataset in an order that can be told from outside.

    Attributes:
        texts: How texts are made.
        training: Draws texts; otherwise a clip's text is its first description.
        seed: Of the run.
        tokens: Where codes are read, in place of sound; None: sound is read.
        hears: Reads sound beside the codes, for a model that is conditioned on it.
    """

    def __init__(
        self, *args: Any, texts: text.TextOptions, training: bool, seed: int, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.texts = texts
        self.training = training
        self.seed = seed
        self.tokens: Tokens | None = None
        self.hears = False

    def wishes(self) -> list[Wish]:
        """What of its files the token cache must have."""
        segment, ratio = float(self.segment_duration or 0), float(self.min_segment_ratio)
        return [Wish(meta.path, meta.duration, segment, ratio) for meta in self.meta]

    def sample_file(self, index: int, rng: Any) -> AudioMeta:
        """The clip at a place of the epoch."""
        if not self.shuffle:
            return self.meta[index % len(self.meta)]
        return super().sample_file(index, rng)

    def __getitem__(self, index: int) -> Any:
        """Sound [C, samples] of a crop and what is known of it; with codes but unheard, [C, 0]."""
        codes = None
        sound, segment = torch.zeros(self.channels, 0), None
        if self.tokens is None or self.hears:
            sound, segment = AudioDataset.__getitem__(self, index)
        if self.tokens is not None:
            segment = self.place(index) if segment is None else segment
            crop = self.tokens.crop(segment.meta.path, segment.seek_time, segment.total_frames)
            segment = replace(segment, seek_time=crop.seek_s, n_frames=crop.samples)
            codes = crop.codes
        assert segment is not None
        sidecar = Path(segment.meta.path).with_suffix(".json")
        values = json.loads(sidecar.read_bytes()) if sidecar.exists() else {}
        known = values | segment.to_dict() | {"audio_tokens": codes}
        info = MusicInfo.from_dict(
            known, fields_required=bool(values) and self.info_fields_required
        )
        info.description = self.describe(values, index)
        info.self_wav = WavCondition(
            wav=sound[None],
            length=torch.tensor([segment.n_frames]),
            sample_rate=[segment.sample_rate],
            path=[segment.meta.path],
            seek_time=[segment.seek_time],
        )
        return sound, info

    def place(self, index: int) -> SegmentInfo:
        """The crop at a place of the epoch, drawn as `AudioDataset.__getitem__` draws it."""
        assert self.segment_duration is not None
        rng = torch.Generator()
        epoch = (self.current_epoch or 0) + self.shuffle_seed
        rng.manual_seed(index + self.num_samples * epoch if self.shuffle else index)
        meta = self.sample_file(index, rng)
        latest = max(0, meta.duration - self.segment_duration * self.min_segment_ratio)
        return SegmentInfo(
            meta,
            seek_time=torch.rand(1, generator=rng).item() * latest,
            n_frames=0,  # the cache knows
            total_frames=int(self.segment_duration * self.sample_rate),
            sample_rate=self.sample_rate,
            channels=self.channels,
        )

    def describe(self, sidecar: dict[str, Any], index: int) -> str | None:
        """The text of a clip at a place of the epoch."""
        if not self.training:
            return text.elsewhere(sidecar, self.texts)
        rng = text.generator(self.seed, self.shuffle_seed, self.current_epoch or 0, index)
        return text.in_training(sidecar, self.texts, rng)


def fill_cache(
    cfg: Any, datasets: dict[str, Any], compression: Any, *, hears: bool, quiet: bool
) -> None:
    """Encodes what the token cache lacks; then no stage that can do without sound reads it.

    Args:
        cfg: The run's configuration.
        datasets: The `ClipDataset` of each stage.
        compression: The base's compression model.
        hears: The model is conditioned on sound too.
        quiet: Tell nothing: another process does.

    Raises:
        TrainingError: See `tokens.fill`.
    """
    options, only = cfg.token_cache, cfg.execute_only
    stages = ("train", "valid", "evaluate")  # generate needs the sound
    found = [datasets[one] for one in stages if one in datasets and only in {None, one}]
    if not options.use or not found:
        return
    tokens = fill(
        [wish for dataset in found for wish in dataset.wishes()],
        compression,
        cfg.device,
        Path(options.folder).expanduser() if options.folder else default_folder(),
        ours=data.locate(cfg.data).ours,
        workers=cfg.dataset.num_workers,
        quiet=quiet,
    )
    for dataset in found:
        dataset.tokens, dataset.hears = tokens, hears
    if cfg.device == "cuda":  # else the encoder's memory counts as the training's
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
