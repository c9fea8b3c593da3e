"""Captions in English, in the words of MusicCaps and of prompts for MusicGen.

MusicCaps: "This is a jazz piece. There is a piano playing. The tempo is slow." Prompts: "90s rock
song with electric guitar and heavy drums". The words of the templates name no instrument, genre or
mood (`dance`, `beats`, `quiet`), so what is said can be told from what is not; words for tempo are
of speed only, so no mood can contradict them.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import fields, replace

from curate.captions.template import english_words as words
from curate.captions.template.english_grammar import (
    agrees,
    article,
    clashes,
    decade,
    join,
    listed,
    sentence,
    speed,
)
from curate.captions.template.english_grammar import reads as reads
from curate.captions.template.making import Making, some
from curate.captions.template.said import Said

CODE, NAME = "en", "English"
LONGEST = 375
CHARACTERS, WORDS = (12, 700), (3, 90)
TOKENS = 45


def tags(said: Said, draw: random.Random) -> str:
    """Every fact, in a list: `city pop, calm, piano, 92 BPM, A minor`."""
    first = [*said.eras, *said.genres]
    if said.decade is not None:
        first.insert(draw.choice((0, len(first))), _released(said.decade, bool(said.eras), draw))
    traits = [draw.choice(words.TAGS[trait]) for trait in said.traits]
    pace = [f"{said.bpm} BPM", f"{draw.choice(speed(said.bpm))} tempo"] if said.bpm else []
    draw.shuffle(pace)
    rest = [list(said.moods), list(said.heard), pace, [said.key] if said.key else [], traits]
    draw.shuffle(rest)
    every = [*first, *(word for group in rest for word in group)]
    if not every or (len(every) == 1 and draw.random() < 0.8):
        every.append(draw.choice(("music", "music track", "music recording", "piece of music")))
    return ", ".join(every)


def short(said: Said, draw: random.Random) -> str:
    """Some of the facts, in one sentence."""
    if said == Said():
        return draw.choice(words.NOTHING)
    text = Making(some(said, draw), draw)
    if text.left.dynamics or text.left.density or text.chance(0.35):
        return sentence(_prompt(text))
    return sentence(_opening(text, {"moods", "heard", "pace", "traits"}))


def full(said: Said, draw: random.Random) -> str:
    """Every fact, in one to four sentences."""
    if said == Said():
        return draw.choice(words.NOTHING)
    text = Making(said, draw)
    kinds = [kind for kind, known in _kinds(said).items() if known]
    early = {kind for kind in kinds if text.chance(0.25)}
    if len(kinds) == 4 and not early & {"moods", "heard"}:
        early.add(draw.choice(("moods", "heard")))  # else it would be a sentence too many
    details = [_heard, _moods, _pace, _traits]
    sentences = [_opening(text, early)]
    draw.shuffle(details)
    sentences += [detail(text) for detail in details]
    return " ".join(sentence(clause) for clause in sentences if clause)


def _kinds(said: Said) -> dict[str, bool]:
    return {
        "moods": bool(said.moods),
        "heard": bool(said.heard),
        "pace": bool(said.bpm or said.key),
        "traits": bool(said.traits),
    }


# --- what it is ---------------------------------------------------------------------------------


def _opening(text: Making, kinds: set[str]) -> str:
    """What it is, with some kinds of facts after it."""
    head, draw = _head(text), text.draw
    featured = "heard" in kinds and text.left.heard and text.counted and text.noun != "music"
    if featured and text.left.decade is None and text.chance(0.3):
        kinds = kinds - {"heard", "traits"}
        tail = _tails(text, kinds - {"moods"})
        verb = draw.choice(("features", "includes", "has"))
        return f"this {head}{tail} {verb} {listed(_voiced(text), draw)}"
    named = f"{article(head)} {head}" if text.counted else head
    frames = ["{named}"] * 5 + ["this is {named}"] * 3 + ["you can hear {named}"]
    frames += ["what you hear is {named}"]
    frames += ["{head}"] * 2 * (head != text.noun)
    if "record" not in head:
        frames.append("the recording features {named}")
    frame = draw.choice(frames)
    text.opened = frame
    return frame.format(named=named, head=head) + _tails(text, kinds)


def _prompt(text: Making) -> str:
    """As people write prompts: `90s rock track with electric guitar, 120 BPM, A minor`."""
    head, draw = _head(text), text.draw
    said = text.take(*(field.name for field in fields(Said)))
    heard = (*said.heard, "vocals") if said.sung and said.instruments else said.heard
    if heard:
        head += f" with {join(heard)}"
        said = replace(said, sung=None if said.instruments else said.sung)
    more = [_released(said.decade, text.styled, draw)] if said.decade is not None else []
    if said.moods:
        more.append(f"{join(said.moods)} mood")
    if said.bpm:
        word = draw.choice(speed(said.bpm))
        more.append(
            draw.choice((f"{said.bpm} BPM", f"{word} tempo", f"{word} tempo, {said.bpm} BPM"))
        )
    more += [said.key] if said.key else []
    more += [draw.choice(words.TAGS[trait]) for trait in said.traits]
    draw.shuffle(more)
    return ", ".join([head, *more])


def _released(year: int, styled: bool, draw: random.Random) -> str:
    """A decade of release. Beside another one, which the music sounds like, it says what it is."""
    return f"released in the {year}s" if styled else decade(year, draw)


def _head(text: Making) -> str:
    """A noun with what stands before it: `calm 90s city pop track`."""
    draw, left = text.draw, text.left
    for attempt in range(8):
        plain = attempt == 7  # a genre that clashes with whatever stands before it
        moods = () if plain else _before(left, draw)
        unsung = left.sung is False and not plain and draw.random() < 0.5
        danced = left.danceable and not plain and draw.random() < 0.25
        dated = left.decade is not None and not left.eras
        dated = dated and (len(left.genres) > 1 or draw.random() < 0.6)
        kind, noun, counted = _kind(left, unsung, draw)
        era = (
            decade(left.decade, draw)
            if dated and left.decade
            else join(left.eras)
            if left.eras
            else ""
        )
        lacks = "instrumental" if unsung and noun != "instrumental" else ""
        nouns = [mood for mood in moods if mood in words.MOOD_NOUNS]
        first = ", ".join([*(["danceable"] if danced else []), *moods[: len(moods) - len(nouns)]])
        head = " ".join(word for word in (first, era, lacks, *nouns, kind) if word)
        if not clashes(head, left.genres):
            break
    text.noun, text.counted, text.styled = noun, counted, bool(left.eras)
    text.take("eras", "genres", *(["decade"] if dated else []), *(["sung"] if unsung else []))
    text.take(*(["danceable"] if danced else []))
    text.left = replace(text.left, moods=tuple(m for m in left.moods if m not in moods))
    return head


def _before(said: Said, draw: random.Random) -> tuple[str, ...]:
    """The moods that stand before the noun: two at most, no "romantic romantic-era classical"."""
    genres = " ".join(said.genres)
    usable = words.MOOD_ADJECTIVES | words.MOOD_NOUNS
    fit = [mood for mood in said.moods if mood in usable and mood not in genres]
    return tuple(sorted(fit[: draw.choice((0, 1, 1, 2))], key=words.MOOD_NOUNS.__contains__))


def _kind(said: Said, unsung: bool, draw: random.Random) -> tuple[str, str, bool]:
    """The genre with a noun, the noun for later sentences, and whether it takes an article."""
    taken = set(re.findall(r"\w+", " ".join(said.words).lower()))
    nouns = [noun for noun in ("track",) * 3 + ("piece",) * 2 + ("recording",) if noun not in taken]
    if said.sung or "vocals" in taken:
        nouns += ["song"] * 4 * ("song" not in taken)
    if unsung and "instrumental" not in taken:
        nouns += ["instrumental"] * 2
    noun, genres = draw.choice(nouns), _compounds_first(said.genres)
    if not genres:
        known = bool(said.eras)
        kinds = [(noun, noun, True), ("music", "music", False), ("piece of music", "piece", True)]
        if noun in {"track", "recording"} and not known:
            kinds[0] = (f"music {noun}", noun, True)
        return draw.choice([kinds[0], *kinds])
    if len(genres) == 1:
        return _one_genre(genres[0], noun, draw)
    every = _join_genres(genres)
    kinds = [(f"{noun} that {verb} {every}", noun, True) for verb in ("mixes", "combines")]
    kinds += [(f"{word} of {every}", "music", True) for word in ("mix", "blend")]
    if len(genres) == 2:
        kinds += [(f"{every} {noun}", noun, True)] * 3
        if genres[0].split()[-1] != genres[1].split()[0]:  # no "power pop/pop rock"
            kinds.append((f"{'/'.join(genres)} {noun}", noun, True))
    return draw.choice(kinds)


def _one_genre(genre: str, noun: str, draw: random.Random) -> tuple[str, str, bool]:
    lot = draw.random()
    if lot < 0.25 and words.ALONE.search(genre):
        return genre, "music", False
    if lot > 0.9 and not genre.endswith(("music", "rhyme", "song", "march", "ballad")):
        return f"{genre} music", "music", False
    return f"{genre} {noun}", noun, True


def _compounds_first(genres: Iterable[str]) -> tuple[str, ...]:
    """`drum and bass` before others, for `jungle and drum and bass` is hard to read."""
    return tuple(sorted(genres, key=lambda genre: " and " not in genre))


def _join_genres(genres: tuple[str, ...]) -> str:
    if " and " in genres[-1] or (len(genres) == 2 and " and " in genres[0]):
        return f"{', '.join(genres[:-1])} plus {genres[-1]}"
    joined = join(genres)
    if any(joined.endswith(clash) for clash in words.CLASHES):  # funk, and soul: no one genre
        return join((*genres[:-2], genres[-1], genres[-2]))
    return joined


# --- what follows it ----------------------------------------------------------------------------


def _tails(text: Making, kinds: set[str]) -> str:
    """Facts after the noun: ` from the 1990s in A minor with piano and a calm mood`."""
    draw, year = text.draw, text.take("decade").decade
    tail = _pace_tail(text) if "pace" in kinds else ""
    more = []
    if "heard" in kinds and (heard := _voiced(text)):
        more.append(listed(heard, draw))
    if "traits" in kinds and text.left.sung:
        text.take("sung")
        more.append("vocals")
    if "traits" in kinds and text.left.danceable and not more:
        text.take("danceable")
        more.append("a danceable rhythm")
    if "moods" in kinds and text.left.moods:
        moods = join(text.take("moods").moods)
        more.append(f"{article(moods)} {moods} {draw.choice(('mood', 'feel'))}")
    links = (" with", ", featuring") if draw.random() < 0.5 else (" featuring", ", with")
    if len(more) == 1:
        tail += f" with {more[0]}"
    elif more:
        *first, mood = more
        pair = (mood, join(first)) if links[0] == " with" else (join(first), mood)
        tail += "".join(f"{link} {phrase}" for link, phrase in zip(links, pair, strict=True))
    if "traits" in kinds and text.left.sung is False:
        text.take("sung")
        tail += ", without vocals" if more else " without vocals"
    if year is None:
        return tail
    link = "from" if not text.styled and (tail or draw.random() < 0.5) else "released in"
    return f" {link} the {year}s{tail}"


def _pace_tail(text: Making) -> str:
    said, draw = text.take("bpm", "key"), text.draw
    tail = (
        draw.choice((" in {0}", " in {0}", " in the key of {0}")).format(said.key)
        if said.key
        else ""
    )
    if said.bpm:
        slots = _speed_slots(said.bpm, draw)
        tail += draw.choice(words.PACE_TAILS).format(**slots)
    return tail


def _voiced(text: Making) -> tuple[str, ...]:
    """What is heard, singing too where nothing else says it."""
    sings = text.left.sung is True and text.left.instruments and text.chance(0.7)
    said = text.take("instruments", "voices", *(["sung"] if sings else []))
    return (*said.heard, "vocals") if sings else said.heard


# --- further sentences, as clauses without capital and stop -------------------------------------


def _heard(text: Making) -> str:
    singers = text.left.voices
    heard = _voiced(text)
    if not heard:
        return ""
    draw, slots = text.draw, {"s": _subject(text), "list": ""}
    voices = [word for word in heard if word in (*singers, "vocals")]
    rest = [word for word in heard if word not in voices]
    if voices and rest and text.chance(0.4):
        slots |= {"voices": listed(voices, draw), "is": agrees(voices), "list": listed(rest, draw)}
        return draw.choice(words.OVER).format(**slots)
    slots |= {"list": listed(heard, draw), "is": agrees(heard)}
    frames = words.HEARD if voices else (*words.HEARD, *words.PLAYED)
    if "hear" in text.opened:  # not twice
        frames = tuple(frame for frame in frames if not frame.startswith("you can hear"))
    if not slots["is"]:
        frames = tuple(frame for frame in frames if "{is}" not in frame)
    frame = draw.choice(frames)
    if frame.startswith("there"):
        slots["is"] = agrees(heard[:1]) or "is"
    return frame.format(**slots)


def _moods(text: Making) -> str:
    moods = text.take("moods").moods
    if not moods:
        return ""
    frames = words.MOOD_NOUN
    if words.MOOD_ADJECTIVES.issuperset(moods):
        frames = (*words.MOOD, *frames)
    said = join(moods)
    slots = {"s": _subject(text), "moods": said, "a_moods": f"{article(said)} {said}"}
    return text.draw.choice(frames).format(**slots)


def _pace(text: Making) -> str:
    said, draw = text.take("bpm", "key"), text.draw
    slots = {"s": _subject(text), "key": said.key}
    if said.bpm:
        slots |= _speed_slots(said.bpm, draw)
        return draw.choice(words.PACE_KEY if said.key else words.PACE).format(**slots)
    return draw.choice(words.KEY).format(**slots) if said.key else ""


def _traits(text: Making) -> str:
    """At most one clause has a subject, and comes first: later on "it" would be something else."""
    traits = text.take("sung", "dynamics", "density", "danceable").traits
    draw = text.draw
    clauses: list[str] = []
    begun: set[str] = set()
    for trait in sorted(draw.sample(traits, len(traits)), key=lambda each: each != "danceable"):
        every = [clause for clause in words.TRAITS[trait] if _begins(clause) not in begun]
        if any("{s}" in clause for clause in clauses):
            every = [clause for clause in every if "{s}" not in clause]
        chosen = draw.choice(every)
        begun.add(_begins(chosen))
        clauses.append(chosen)
    clauses.sort(key=lambda clause: "{s}" not in clause)
    return join(clauses).format(s=_subject(text)) if clauses else ""


def _subject(text: Making) -> str:
    every = ("it", "it", f"the {text.noun}", "the music")
    text.subject = text.draw.choice([each for each in every if each != text.subject])
    return text.subject


def _speed_slots(bpm: int, draw: random.Random) -> dict[str, str]:
    word = draw.choice(speed(bpm))
    about = draw.choice(words.ABOUT)
    return {"word": word, "a_word": f"{article(word)} {word}", "bpm": str(bpm), "about": about}


def _begins(clause: str) -> str:
    return " ".join(clause.split()[:2])
