"""The stage gives each clip its caption, in order, by whoever has the first word."""

from curate.captions import template
from curate.captions.author import Author
from curate.captions.names import Names
from curate.config import CaptionOptions
from curate.labels import vocabulary
from curate.labels.fields import choose
from curate.labels.statements import Statements
from curate.records import Chunk, Label
from curate.stages import caption as stage
from curate.stages.caption import Sayable

FULL = CaptionOptions(style="full")
WORDS = vocabulary.load()


def chunk(index: int, *labels: Label) -> Chunk:
    identity = f"46ed4a29f62f_{index:03d}"
    return Chunk(identity, index, 0, 30, 0, "p", 1, "s", 0.5, -14.0, 0.0, 0.0, labels)


def sayable(whole: tuple[Label, ...], names: Names | None = None) -> Sayable:
    fields = tuple(choose(whole, chunk.labels) for chunk in CHUNKS)
    said = Statements(whole, tuple(chunk.labels for chunk in CHUNKS), fields, choose(whole, ()))
    return stage.sayable(said, CHUNKS, names or Names(), WORDS)


WHOLE = (Label("genre", "Jazz", "tag"), Label("tempo", 100.0, "signal.degara", 0.9))
CHUNKS = (chunk(0), chunk(2, Label("tempo", 104.0, "signal.degara", 0.9)))
OWN = Label("description", "Rain on a tin roof.", "manual")


def test_every_clip_has_its_caption_in_order() -> None:
    made = stage.caption(sayable(WHOLE), Author(FULL)).captions
    assert [each.chunk_id for each in made] == ["46ed4a29f62f_000", "46ed4a29f62f_002"]
    assert ["100 BPM" in made[0].texts[0], "104 BPM" in made[1].texts[0]] == [True, True]
    assert all("azz" in each.texts[0] for each in made)
    assert {each.source for each in made} == {template.source("en")}


def test_a_persons_own_words_are_the_caption() -> None:
    about = sayable((*WHOLE, OWN))
    made = stage.caption(about, Author(FULL)).captions
    assert [(each.texts, each.source) for each in made] == [((OWN.value,), "manual")] * 2
    assert list(about.untold()) == []
    assert len(list(sayable(WHOLE).untold())) == 2


def test_captions_are_named_after_what_they_say_and_how() -> None:
    everything = [sayable(WHOLE), sayable(WHOLE[:1]), sayable((*WHOLE, OWN))]
    ways = [CaptionOptions(), CaptionOptions(seed=1), FULL, CaptionOptions(variants=2)]
    names = {stage.fingerprint(one, way) for one in everything for way in ways}
    assert len(names) == 12
    assert stage.fingerprint(everything[0], CaptionOptions()) in names


def test_a_name_among_the_labels_is_not_said() -> None:
    tagged = (*WHOLE, Label("genre", "Bill Evans", "tag"))
    about = sayable(tagged, Names(artists=("Bill Evans",)))
    assert about.facts[0].genres == ("jazz",)
    assert about.fields[0].genres == ("jazz", "bill evans")
