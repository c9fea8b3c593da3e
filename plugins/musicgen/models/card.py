"""The model card, README.md, of an exported model: what it is, from what, with which rights."""

import json
from pathlib import Path

from .identity import Identity, on_hub
from .provenance import FILE, Facts

LICENCE = "cc-by-nc-4.0"
"""Of the released MusicGen weights, and so of all that is trained from them."""

_DERIVED = """\
## Licence

The weights derive from MusicGen, whose weights are under
[CC-BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/): no commercial use, and whoever
passes them on names Meta AI's MusicGen (Copet et al., arXiv 2306.05284) and says that they were
changed. What the audio of the training data allows is for you to heed.
"""

_OWN = """\
## Licence

The language model was trained from nothing: the licence of MusicGen's weights does not cover it.
Its maker may choose one and name it here and in the head of this file, as far as the audio of the
training data allows. What it needs beside it is under licences of its own: the compression model
`{base}` came with (MusicGen's EnCodec is under
[CC-BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/), no commercial use), and the text
encoder (T5 is under Apache 2.0).
"""

FORMATS = ("audiocraft", "adapter", "transformers")

_LIBRARIES = {"audiocraft": "audiocraft", "adapter": "peft", "transformers": "transformers"}

_AUDIOCRAFT = """\
from audiocraft.models import MusicGen

model = MusicGen.get_pretrained("{folder}")
model.set_generation_params(duration=30)
wav = model.generate(["{prompt}"])  # [1, channels, samples] at model.sample_rate
"""

_TRANSFORMERS = """\
from transformers import AutoProcessor, {kind}ForConditionalGeneration

processor = AutoProcessor.from_pretrained("{model}")
model = {kind}ForConditionalGeneration.from_pretrained("{model}")
"""

_PEFT = """\
from peft import PeftModel

model = PeftModel.from_pretrained(model, "{adapter}").merge_and_unload()
"""

_GENERATE = """\
inputs = processor(text=["{prompt}"], return_tensors="pt")
wav = model.generate(**inputs, max_new_tokens=1500)  # [1, channels, samples]
"""


def card(
    folder: Path,
    facts: Facts,
    *,
    to: str,
    base: Identity,
    melody: bool,
    adapter: str | None = None,
    own: bool = False,
    new: bool = False,
) -> str:
    """Writes a model card.

    Args:
        folder: Where the model goes; its name is the title.
        facts: What is known of the training.
        to: One of `FORMATS`.
        base: The base model.
        melody: Whether the model listens to a melody.
        adapter: Folder of the adapter beside a model of transformers.
        own: Whether no weights of the language model derive from MusicGen's.
        new: Whether this very training began it; the base gave only what is beside it.

    Returns:
        Markdown, with the head that the Hub reads.
    """
    title = folder.absolute().name
    parts = [
        _head("" if new else base.name, to, "other" if own else LICENCE),
        f"# {title}\n",
        _about(facts, base, new),
        "## Use\n\n```python\n" + _usage(title, to, base.name, melody, adapter) + "```\n",
        _training(facts, base),
        _evaluation(facts),
        _OWN.format(base=base.name) if own else _DERIVED,
    ]
    return "\n".join(part for part in parts if part)


def _head(base: str, to: str, licence: str) -> str:
    tags = ["musicgen", "text-to-audio", "music", *(["lora"] if to == "adapter" else [])]
    lines = [
        "---",
        f"license: {licence}",
        f"library_name: {_LIBRARIES[to]}",
        "pipeline_tag: text-to-audio",
        *([f"base_model: {base}"] if on_hub(base) else []),
        f"tags: {json.dumps(tags)}",
        "---\n",
    ]
    return "\n".join(lines)


def _about(facts: Facts, base: Identity, new: bool) -> str:
    name = base.name
    if not facts.method:
        return f"MusicGen: `{name}` in another format.\n"
    lines = [f"MusicGen, trained on from `{name}`.", f"Trained: {facts.method}."]
    if new:
        lines = [f"MusicGen's design, {facts.method}, beside the other models of `{name}`."]
    if facts.signature:
        lines.append(f"Experiment `{facts.signature}`.")
    return " ".join(lines) + "\n"


def _usage(title: str, to: str, base: str, melody: bool, adapter: str | None) -> str:
    prompt = "a calm piano"
    if to == "audiocraft":
        return _AUDIOCRAFT.format(folder=title, prompt=prompt)
    kind = "MusicgenMelody" if melody else "Musicgen"
    text = _TRANSFORMERS.format(kind=kind, model=base if to == "adapter" else title)
    if to == "adapter":
        text += _PEFT.format(adapter=title)
    elif adapter is not None:
        text += _PEFT.format(adapter=f"{title}/{adapter}")
    return text + _GENERATE.format(prompt=prompt)


def _training(facts: Facts, base: Identity) -> str:
    rows = [
        ("Base", f"`{base.name}`, fingerprint `{base.fingerprint}`" if base.fingerprint else ""),
        ("Dataset", facts.dataset),
        ("Fingerprint", f"`{facts.fingerprint}`" if facts.fingerprint else ""),
        ("Clips", f"{facts.clips:,} ({facts.hours:.1f} h)" if facts.clips else ""),
        ("Rights", facts.rights),
    ]
    known = [f"- {name}: {value}" for name, value in rows if value]
    if not facts.known:
        known.append("- Training data: not known")
    told = f"The same for programs: `{FILE}`."
    return "## Where it comes from\n\n" + "\n".join([*known, "", told]) + "\n"


def _evaluation(facts: Facts) -> str:
    if not facts.metrics:
        return ""
    rows = [f"| {name} | {value:.4g} |" for name, value in facts.metrics.items()]
    return "\n".join(["## Evaluation\n", "| metric | value |", "|---|---|", *rows, ""])
