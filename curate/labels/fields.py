"""From labels to the fields audiocraft reads: which of many statements the dataset asserts.

Thresholds act here, late: every label keeps its score. Who is believed: what a person said of the
clip, then of the track, and nobody else; for key and tempo then what all others agree on best
(`agreement`); for words the file's tags, then the models' own for this clip. What is not asserted
is not lost: it stays among the labels with its source.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from curate.config import LabelOptions, Words
from curate.labels import agreement, vocabulary
from curate.labels.manual import MANUAL
from curate.labels.vocabulary import Vocabulary
from curate.records import Bpm, Label

VERSION = 3


VOICE = "voice"
"""The class of a voice among the instruments that models know."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What the dataset asserts of a clip. An unknown value is "" or () or None.

    Attributes:
        key: One key, `A minor`.
        bpm: Tempo in BPM.
        genres: Most certain first.
        moods: Likewise.
        instruments: Likewise.
        onset_rate: Onsets per second.
        dynamic_complexity: dB.
        danceability: 0 to about 3.
        voice: Who sings, or that nobody does, in the vocabulary's word.
        sung: The same as a fact; None where it is not asserted.
        danceable: `danceable`.
        approachability: 0 to 1.
        engagement: 0 to 1.
        arousal: 1 to 9.
        valence: 1 to 9.
        loudness_lufs: Of the clip.
        year: Of release.
        title: As a person or the source has it.
        description: Likewise; else the caption is made of the other fields.
        description_source: Who wrote it.
        phrases: Keywords beyond the words above, from the source.
        album: Of the source.
        isrc: Of the source.
    """

    key: str = ""
    bpm: Bpm | None = None
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    onset_rate: float | None = None
    dynamic_complexity: float | None = None
    danceability: float | None = None
    voice: str = ""
    sung: bool | None = None
    danceable: str = ""
    approachability: float | None = None
    engagement: float | None = None
    arousal: float | None = None
    valence: float | None = None
    loudness_lufs: float | None = None
    year: int | None = None
    title: str = ""
    description: str = ""
    description_source: str = ""
    phrases: tuple[str, ...] = ()
    album: str = ""
    isrc: str = ""

    @property
    def keywords(self) -> tuple[str, ...]:
        """Every word said of the clip, once."""
        voice = (self.voice,) if self.voice else ()
        words = (*self.genres, *self.moods, *self.instruments, *voice, *self.phrases)
        return tuple(dict.fromkeys(words))


def choose(
    track: Iterable[Label],
    chunk: Iterable[Label],
    options: LabelOptions | None = None,
    words: Vocabulary | None = None,
) -> Fields:
    """The fields of a clip from its track's labels (tags among them) and its own."""
    said = _Said(_by_kind(track), _by_kind(chunk))
    options, words = options or LabelOptions(), words or vocabulary.load()
    voice = _opposite(said, "voice", options.voice.threshold, words)
    sung = _sung(voice, words)
    instruments = _words(said, "instrument", options.instrument, words, unsung=sung is False)
    if sung is False and said.manual("voice") is None and _names_a_voice(instruments, words):
        voice, sung = "", None  # a person's or a tag's word against a model's
    year = said.number("year")
    return Fields(
        key=_key(said, options.key.threshold),
        bpm=_tempo(said, options.tempo.threshold),
        genres=_words(said, "genre", options.genre, words),
        moods=_words(said, "mood", options.mood, words),
        instruments=instruments,
        voice=voice,
        sung=sung,
        danceable=_opposite(said, "danceable", options.danceable.threshold, words),
        onset_rate=said.number("onset_rate"),
        dynamic_complexity=said.number("dynamic_complexity"),
        danceability=said.number("danceability"),
        approachability=said.number("approachability"),
        engagement=said.number("engagement"),
        arousal=said.number("arousal"),
        valence=said.number("valence"),
        loudness_lufs=said.number("loudness"),
        year=None if year is None else int(year),
        title=said.text("title"),
        description=said.text("description"),
        description_source=described.source if (described := said.first("description")) else "",
        phrases=said.phrases(),
        album=said.text("album"),
        isrc=said.text("isrc"),
    )


_Kinds = dict[str, list[Label]]


@dataclass(frozen=True, slots=True)
class _Said:
    """Labels by kind: of the track, of the clip."""

    whole: _Kinds
    own: _Kinds

    def manual(self, kind: str) -> list[Label] | None:
        """What people say, of the clip before the track; None if nothing."""
        for place in (self.own, self.whole):
            found = [label for label in place.get(kind, ()) if label.source == MANUAL]
            if found:
                return found
        return None

    def first(self, kind: str) -> Label | None:
        """A person's, else the clip's own, else the track's."""
        every = self.manual(kind) or [*self.own.get(kind, ()), *self.whole.get(kind, ())]
        return every[0] if every and every[0].value != "" else None

    def number(self, kind: str) -> float | None:
        found = self.first(kind)
        return None if found is None else float(found.value)

    def phrases(self) -> tuple[str, ...]:
        said = self.manual("keyword")
        if said is None:
            said = [*self.own.get("keyword", ()), *self.whole.get("keyword", ())]
        return tuple(str(label.value) for label in said if label.value != "")

    def text(self, kind: str) -> str:
        found = self.first(kind)
        return "" if found is None else str(found.value)


def _by_kind(labels: Iterable[Label]) -> _Kinds:
    kinds: _Kinds = {}
    for label in labels:
        kinds.setdefault(label.kind, []).append(label)
    return kinds


def _sure(label: Label, least: float) -> bool:
    return label.score is None or label.score >= least


def _key(said: _Said, least: float) -> str:
    if (manual := said.manual("key")) is not None:
        return str(manual[0].value)
    found = agreement.key(said.whole.get("key", ()), said.own.get("key", ()))
    return str(found.value) if found is not None and _sure(found, least) else ""


def _tempo(said: _Said, least: float) -> Bpm | None:
    if (manual := said.manual("tempo")) is not None:
        return None if manual[0].value == "" else round(float(manual[0].value), 1)
    whole, own = said.whole.get("tempo", []), said.own.get("tempo", [])
    if not any(_sure(label, least) for label in (*whole, *own)):
        return None  # voices that are all unsure make no sure one, agree as they may
    found = agreement.tempo(whole, own)
    return round(float(found.value), 1) if found is not None and _sure(found, least) else None


def _opposite(said: _Said, kind: str, least: float, words: Vocabulary) -> str:
    """One of two words that exclude each other, or none of them."""
    found = said.first(kind)
    if found is None or not _sure(found, least):
        return ""
    return _word(found, words)


def _sung(voice: str, words: Vocabulary) -> bool | None:
    known = {words.word("voice", "voice"): True, words.word("voice", "instrumental"): False}
    return known.get(voice) if voice else None


def _names_a_voice(instruments: tuple[str, ...], words: Vocabulary) -> bool:
    """Whether one of them is a voice: `vocals`, `female vocals`, as the vocabulary says it."""
    voice = words.word("instrument", VOICE)
    return voice is not None and any(voice in word for word in instruments)


def _words(
    said: _Said, kind: str, options: Words, words: Vocabulary, *, unsung: bool = False
) -> tuple[str, ...]:
    """Words of a kind; `unsung` leaves out a voice that only a model hears."""
    every, most = said.manual(kind), None
    if every is None:
        most = options.most
        heard = sorted(filter(_by_model, said.own.get(kind, ())), key=_surest)
        heard = [label for label in heard if not (unsung and label.value == VOICE)]
        told = [label for label in said.whole.get(kind, ()) if not _by_model(label)]
        own = [label for label in said.own.get(kind, ()) if not _by_model(label)]
        every = [*own, *told, *_styles_first(heard, words)]
    found = dict.fromkeys(_word(label, words) for label in every)
    return tuple(word for word in found if word)[:most]


def _surest(label: Label) -> tuple[float, str]:
    return -(label.score or 0.0), str(label.value)


def _by_model(label: Label) -> bool:
    return label.score is not None and label.source.startswith("essentia.")


def _styles_first(heard: list[Label], words: Vocabulary) -> list[Label]:
    """Without the parents (`Rock`) of styles that are said themselves (`Rock---Indie Rock`)."""
    styles = [label for label in heard if "---" in str(label.value) and _word(label, words)]
    parents = {str(label.value).partition("---")[0] for label in styles}
    return [label for label in heard if label.value not in parents]


def _word(label: Label, words: Vocabulary) -> str:
    """As the vocabulary says it; "" if it is never to be said."""
    if not label.source.startswith("essentia."):
        return words.alias(label.kind, str(label.value))
    if label.kind == "genre" and "---" not in str(label.value):
        return words.parents.get(str(label.value)) or ""
    return words.word(label.kind, str(label.value)) or ""
