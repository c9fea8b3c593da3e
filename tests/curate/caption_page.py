"""Writes curate/captions/EXAMPLES.md: labels beside the captions that a template makes of them.

Run it after changing the templates: `python tests/curate/caption_page.py`. A test compares.
"""

import re
from pathlib import Path

from curate import captions
from curate.captions import template
from curate.config import CaptionOptions
from curate.records import Facts

PAGE = Path(captions.__file__).with_name("EXAMPLES.md")

HEAD = f"""# Fifty captions

What the template captioner (`{template.source("en")}`) makes of labels, for people to judge: one
caption a row, of mixed styles (`tags`, `short` and `full`), with seed 0. The last ten are Japanese
(`language: ja`). Labels that are not known are not in the table, and no caption speaks of them.

Made by `python tests/curate/caption_page.py`; change the templates, not this page.

| | labels | caption |
|---|---|---|
"""

ENGLISH = """
city pop; nostalgic, summery; electric guitar, bass, synthesizer; sung; 104 BPM; Ab major; 1980s
jazz; relaxing; piano, double bass, drums; unsung; 92 BPM; Bb major; steady
heavy metal; aggressive, powerful; electric guitar, bass, drums; sung; 172 BPM; E minor; dense
ambient; calm, dreamy; synth pads; unsung; wide; sparse
house; groovy, party; drum machine, synth bass, electric piano; sung; 124 BPM; 1990s; danceable
bossa nova; gentle, romantic; classical guitar, percussion, female vocals; 128 BPM; D minor; 1960s
hip hop, jazz; cool; samples, beats, Rhodes piano; unsung; 88 BPM; F minor; 1990s
drum and bass; energetic, dark; drums, synth bass; 174 BPM; G minor; dense; danceable
classical; emotional; violin, cello, viola; unsung; 66 BPM; C minor; wide
film score; epic, dramatic; orchestra, choir, timpani; 140 BPM; D minor; wide
country; happy; acoustic guitar, steel guitar, harmonica; sung; 112 BPM; G major; 1970s
R&B, soul; sensual; electric piano, bass guitar, male vocals; 72 BPM; Eb major; 2000s
techno; deep; drum machine, synthesizer; unsung; 132 BPM; steady; dense; danceable
folk; melancholic, quiet; acoustic guitar; sung; 84 BPM; A minor; sparse
funk and soul; fun, groovy; bass guitar, brass, drums; sung; 108 BPM; E major; 1970s; danceable
80s, synth-pop; retro, upbeat; synthesizer, drum machine; sung; 126 BPM; F# minor; 1980s
reggae; positive; organ, bass guitar, drums; sung; 76 BPM; A major; 1970s
chiptune, video game music; playful; synthesizer; unsung; 150 BPM; C major; steady
post-rock; atmospheric, hopeful; electric guitar, drums, strings; unsung; 78 BPM; wide
J-rock; energetic, uplifting; electric guitar, bass, drums; sung; 182 BPM; B minor; 2010s; dense
lo-fi hip hop; relaxing, nostalgic; piano, beats, samples; unsung; 74 BPM; steady
Delta blues; sad; slide guitar, harmonica, male vocals; 70 BPM; E major; 1930s; sparse
baroque; bright; harpsichord, flute, strings; unsung; 96 BPM; G major
trance; uplifting, melodic; synth pads, synthesizer; 138 BPM; A minor; danceable
shoegaze, dream pop; dreamy; electric guitar, drums, female vocals; 98 BPM; D major; 1990s; dense
dark ambient; dark, mysterious, tense; synth pads, bells; unsung; wide; sparse
salsa; festive, happy; trumpet, piano, congas; sung; 184 BPM; 1970s; danceable
punk rock; aggressive; electric guitar, drums; sung; 196 BPM; A major; 1970s; steady; dense
enka; sad, nostalgic; shamisen, strings, female vocals; 68 BPM; D minor; 1970s
gagaku; peaceful; shakuhachi, koto, biwa; unsung; sparse
UK garage, house; cool; drum machine, bass; sung; 130 BPM; 2000s; danceable
bluegrass; fun; banjo, mandolin, violin, double bass; sung; 140 BPM; G major
electronic, classical; cinematic, inspiring; piano, synth pads, strings; unsung; 110 BPM; C# minor
folk pop; summery, childlike; ukulele, glockenspiel, handclaps; 116 BPM; C major
; calm; piano; 60 BPM; F major
rock; ; ; 120 BPM
; ; ; sung; wide
musical theatre; dramatic; orchestra, vocals; 102 BPM; Bb major; 1950s
phonk, trap; dark, heavy; drum machine, synth bass; 136 BPM; 2020s; dense
swing, big band; party; brass, drums, double bass, clarinet; unsung; 160 BPM; 1940s; danceable
"""

JAPANESE = """
city pop; nostalgic, summery; electric guitar, bass, synthesizer; sung; 104 BPM; Ab major; 1980s
jazz; relaxing; piano, double bass, drums; unsung; 92 BPM; Bb major; steady
J-pop; bright, energetic; synthesizer, drums, female vocals; 134 BPM; B minor; 2020s
enka; sad; shamisen, strings, female vocals; 68 BPM; D minor; 1970s
ambient; calm, dreamy; synth pads; unsung; wide; sparse
hip hop, jazz; cool; samples, beats, Rhodes piano; unsung; 88 BPM; F minor; 1990s
J-rock; energetic, uplifting; electric guitar, bass, drums; sung; 182 BPM; 2010s; dense
techno; dark; drum machine, synthesizer; unsung; 132 BPM; steady; dense; danceable
gagaku; peaceful; shakuhachi, koto, biwa; unsung; sparse
anime, orchestral; epic, dramatic; orchestra, choir, timpani; 140 BPM; D minor; wide
"""


def render() -> str:
    """The page."""
    rows = [("en", line) for line in _lines(ENGLISH)] + [("ja", line) for line in _lines(JAPANESE)]
    page = HEAD
    for number, (language, line) in enumerate(rows, 1):
        facts = parsed(line)
        options = CaptionOptions(language=language)
        (text,) = template.caption(facts, f"{number:03d}", options)
        page += f"| {number} | {_labels(facts)} | {text} |\n"
    return page


def parsed(line: str) -> Facts:
    """A line of labels: genres; moods; instruments; then whatever is known, in any order."""
    parts = [part.strip() for part in line.split(";")]
    genres, moods, instruments = (
        tuple(word.strip() for word in part.split(",") if word) for part in parts[:3]
    )

    def one(pattern: str) -> str:
        return next((found[0] for part in parts[3:] if (found := re.fullmatch(pattern, part))), "")

    bpm, decade = one(r"\d+ BPM"), one(r"\d{4}s")
    return Facts(
        genres=genres,
        moods=moods,
        instruments=instruments,
        sung={"sung": True, "unsung": False, "": None}[one("sung|unsung")],
        bpm=int(bpm.split()[0]) if bpm else None,
        key=one(r"[A-G][#b]? (?:major|minor)"),
        decade=int(decade[:4]) if decade else None,
        dynamics=one("steady|wide"),
        density=one("sparse|dense"),
        danceable=bool(one("danceable")),
    )


def _lines(block: str) -> list[str]:
    return [line for line in block.splitlines() if line]


def _labels(facts: Facts) -> str:
    lists = {"genre": facts.genres, "mood": facts.moods, "instrument": facts.instruments}
    said = [f"{kind}: {', '.join(words)}" for kind, words in lists.items() if words]
    if facts.sung is not None:
        said.append("vocals" if facts.sung else "no vocals")
    said += [f"{facts.bpm} BPM"] if facts.bpm else []
    said += [facts.key] if facts.key else []
    said += [f"{facts.decade}s"] if facts.decade else []
    said += [f"dynamics: {facts.dynamics}"] if facts.dynamics else []
    said += [f"rhythm: {facts.density}"] if facts.density else []
    said += ["danceable"] if facts.danceable else []
    return "; ".join(said)


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
