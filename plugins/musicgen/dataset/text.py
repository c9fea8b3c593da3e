"""What the model is told of a clip: which of its descriptions, merged with what, cut where.

In training a clip's text is drawn anew each time: one of its `descriptions`, now and then with
other fields of the sidecar merged in, as audiocraft does it. Everywhere else it is its first
description. The conditioner may leave out words after that (`model.word_dropout`), and
classifier-free guidance now and then the whole text (`model.cfg_dropout`).

Corrected here, against `audiocraft.data.music_dataset`:

- Upstream's `drop_other_p` is how often a field is kept: it is `keep_other_p` here.
- A tempo of NaN becomes text; here it is as one that is not there.
- Upstream ends a description with a full stop in training, whether or not something follows it, and
  leaves it as it is in validation; here it stays as it is where nothing follows.
- Draws come from a generator of their own, so they depend on nothing but the seed and the place.
"""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TrainingError

MERGED = ("key", "bpm", "genre", "moods", "keywords", "instrument")
"""Fields of a sidecar that audiocraft merges into the description, in the order it reads them."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How a clip's text is made in training.

    Attributes:
        sample_descriptions: Draw one of `descriptions`; otherwise always the first.
        merge_text_p: How often other fields are merged in, 0 to 1.
        drop_desc_p: How often the description is left out then, 0 to 1.
        keep_other_p: How often each other field is kept then, 0 to 1; upstream's `drop_other_p`.
        max_words: A text is cut after this many words, in validation too; 0: never.
    """

    sample_descriptions: bool = True
    merge_text_p: float = 0.25
    drop_desc_p: float = 0.5
    keep_other_p: float = 0.5
    max_words: int = 250


def parse_options(section: Mapping[str, Any]) -> TextOptions:
    """The section `text` of a configuration.

    Raises:
        TrainingError: A probability is none, or a number is negative.
    """
    options = TextOptions(**{str(key): value for key, value in section.items()})
    for name in ("merge_text_p", "drop_desc_p", "keep_other_p"):
        value: object = getattr(options, name)
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise TrainingError(f"text.{name}={value}: expected a probability from 0 to 1")
    words: object = options.max_words
    if not isinstance(words, int) or words < 0:
        raise TrainingError(f"text.max_words={words}: expected a number of words; 0 cuts nothing")
    return options


def descriptions(sidecar: Mapping[str, Any]) -> list[str]:
    """All descriptions of a clip, each once, the first first; empty where it has none."""
    others = sidecar.get("descriptions")
    found = [_read("description", sidecar.get("description"))]
    found += [_read("description", one) for one in others] if isinstance(others, list) else []
    return list(dict.fromkeys(one for one in found if one))


def merged(sidecar: Mapping[str, Any]) -> dict[str, str]:
    """What can be merged into a clip's description, by field, as audiocraft writes it."""
    found = {}
    for name in MERGED:
        value = _read(name, sidecar.get(name))
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            continue
        found[name] = ", ".join(value) if isinstance(value, list) else str(value)
    return found


def _read(name: str, value: Any) -> Any:
    """A field as audiocraft reads it; None where it is empty for it."""
    if value is None:
        return None
    from ..mended import upstream

    upstream.prepare()
    from audiocraft.data.music_dataset import MusicInfo

    return MusicInfo.attribute_getter(name)(value) or None


def in_training(sidecar: Mapping[str, Any], options: TextOptions, rng: random.Random) -> str | None:
    """The text of a clip at one moment of the training; None: it has none then.

    Args:
        sidecar: What lies beside the clip.
        options: How texts are made.
        rng: Of that moment, see `generator`.
    """
    own = descriptions(sidecar)
    found = rng.choice(own if options.sample_descriptions else own[:1]) if own else None
    if rng.random() < options.merge_text_p:
        if rng.random() < options.drop_desc_p:
            found = None
        told = [f"{name}: {value}" for name, value in merged(sidecar).items()]
        told = [one for one in told if rng.random() < options.keep_other_p]
        rng.shuffle(told)
        if told:
            found = ". ".join(told if found is None else [found.rstrip("."), *told])
    return first_words(found, options.max_words)


def elsewhere(sidecar: Mapping[str, Any], options: TextOptions) -> str | None:
    """The text of a clip in validation, evaluation and generation: its first description."""
    return first_words(next(iter(descriptions(sidecar)), None), options.max_words)


def generator(*where: object) -> random.Random:
    """The random numbers of a place in a run: the same each time, in any process."""
    return random.Random("/".join(map(str, where)))


def first_words(text: str | None, count: int) -> str | None:
    """A text's first words; as it is where it has no more, or `count` is 0. None if it is empty."""
    words = (text or "").split()
    if count and len(words) > count:
        return " ".join(words[:count])
    return text if words else None


def read_by(conditioner: Any, texts: list[str | None]) -> list[str | None]:
    """The texts as a T5 conditioner reads them at this moment: words dropped, in its own letters.

    Args:
        conditioner: audiocraft's T5Conditioner; in training it drops words.
        texts: As `in_training` or `elsewhere` gave them.
    """
    inputs = conditioner.tokenize(texts)
    found: list[str | None] = []
    for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True):
        kept = ids[mask.bool()]
        read = conditioner.t5_tokenizer.decode(kept, skip_special_tokens=True)
        found.append(read if len(kept) else None)
    return found


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """What a split's texts are like.

    Attributes:
        clips: How many.
        has: Share of the clips that have a field, by its name, 0 to 1.
        told: Share of the texts drawn in training that hold it, 0 to 1.
        silent: Share of the texts drawn in training that are empty, 0 to 1.
        descriptions: Different descriptions of a clip, on average.
        words: Words of the longest description.
        cut: Share of the descriptions that `max_words` cuts, 0 to 1.
        example: A text that a step may see.
    """

    clips: int
    has: dict[str, float]
    told: dict[str, float]
    silent: float
    descriptions: float
    words: int
    cut: float
    example: str | None


def measure(sidecars: Iterable[Mapping[str, Any]], options: TextOptions) -> TextStatistics:
    """Counts what clips have, and computes what the model will see of it."""
    has = dict.fromkeys(("description", *MERGED), 0)
    clips = all_descriptions = all_words = cut = 0
    silent, example = 0.0, None
    unkept = 1 - options.keep_other_p
    for sidecar in sidecars:
        clips += 1
        others, own = merged(sidecar), descriptions(sidecar)
        for name in (*others, *(("description",) if own else ())):
            has[name] += 1
        lengths = [len(one.split()) for one in own]
        all_descriptions += len(own)
        all_words = max(all_words, *lengths, 0)
        cut += sum(length > options.max_words > 0 for length in lengths)
        nothing_merged = options.merge_text_p * unkept ** len(others)
        alone = options.drop_desc_p * nothing_merged
        silent += alone if own else 1 - options.merge_text_p + nothing_merged
        example = example or in_training(sidecar, options, generator("example"))
    each = max(clips, 1)
    shares = {name: count / each for name, count in has.items()}
    kept = options.merge_text_p * options.keep_other_p
    told = {name: share * kept for name, share in shares.items()}
    told["description"] = shares["description"] * (1 - options.merge_text_p * options.drop_desc_p)
    return TextStatistics(
        clips=clips,
        has=shares,
        told=told,
        silent=silent / each,
        descriptions=all_descriptions / each,
        words=all_words,
        cut=cut / max(all_descriptions, 1),
        example=example,
    )


def lines(found: TextStatistics, options: TextOptions, cfg_dropout: float) -> Iterator[str]:
    """What the texts are, a line each.

    Args:
        found: Of the training split.
        options: How texts are made.
        cfg_dropout: How often a step learns without any text, 0 to 1.
    """
    told = ", ".join(
        f"{name} {found.has[name]:.0%} ({found.told[name] * (1 - cfg_dropout):.0%})"
        for name in found.has
    )
    yield f"Text: share of the training clips that have it (of the texts that say it): {told}"
    silent = cfg_dropout + (1 - cfg_dropout) * found.silent
    sampled = "one of them is drawn" if options.sample_descriptions else "the first is taken"
    yield (
        f"Text: {found.descriptions:.1f} descriptions a clip, {sampled}; {silent:.0%} of the texts "
        f"are empty; the longest has {found.words} words"
        + (f", {found.cut:.1%} are cut after {options.max_words}" if found.cut else "")
    )
    if found.example:
        yield f"Text: for example: {found.example}"
