"""Who writes the captions of a clip: a person or its source, else a language model or a template.

A person's words, and those of a source such as MusicCaps, are the clip's only caption: nothing is
put beside them. Where a language model is to write and what it gave is not fit to be used, a
template stands in, and the clip's `description_source` says so.
"""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from curate.captions import template
from curate.captions.names import Names
from curate.config import CaptionOptions
from curate.labels.fields import Fields
from curate.names import digest
from curate.records import Caption, Facts, LlmCounts

if TYPE_CHECKING:
    from curate.captions.llm import Captioner


def wrote(source: str) -> bool:
    """Whether captions of this `description_source` are an author's, not a person's or source's."""
    return source.startswith(("template.", "llm."))


class Author:
    """Writes captions as the options want them.

    Args:
        options: Of captions.
        captioner: The language model, if there is one; its answers were asked for before.

    Attributes:
        outcomes: What became of the clips that the model was asked for.
    """

    def __init__(self, options: CaptionOptions, captioner: "Captioner | None" = None) -> None:
        self._options = options
        self._captioner = captioner
        self.outcomes: Counter[str] = Counter()

    def caption(self, clip: str, fields: Fields, facts: Facts, names: Names) -> Caption:
        """The captions of one clip."""
        if fields.description:
            return Caption(clip, (fields.description,), fields.description_source)
        return self.write(clip, facts, names)

    def write(self, clip: str, facts: Facts, names: Names) -> Caption:
        """The captions of one clip that nobody has described yet."""
        by_template = template.source(self._options.language)
        if self._captioner is None:
            return Caption(clip, template.caption(facts, clip, self._options), by_template)
        from curate.captions.llm import Request

        written = self._captioner.captions(Request(facts, names))
        self.outcomes[written.outcome] += 1
        if written.texts:
            source = f"llm.{self._captioner.options.model}"
            return Caption(clip, _turned(written.texts, clip, self._options.seed), source)
        options = replace(self._options, variants=self._captioner.options.variants)
        return Caption(clip, template.caption(facts, clip, options), f"{by_template}.fallback")

    def counts(self) -> LlmCounts | None:
        """What came of the language model, for build.json; None if there is none."""
        if self._captioner is None:
            return None
        spent = self._captioner.spent()
        kinds = ("accepted", "repaired", "refused", "missing")
        clips = {kind: self.outcomes[kind] for kind in kinds}
        return LlmCounts(
            model=self._captioner.options.model,
            **clips,
            requests=spent.requests,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            usd=spent.usd,
        )


def _turned(texts: tuple[str, ...], clip: str, seed: int) -> tuple[str, ...]:
    """Clips that share one answer each begin with another of its texts."""
    start = int(digest("first", clip, seed), 16) % len(texts)
    return (*texts[start:], *texts[:start])
