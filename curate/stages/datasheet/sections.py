"""The sections of a datasheet, as lines of Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from curate.labels.models import zoo
from curate.records import SPLITS, BuildInfo
from curate.stages.datasheet.counting import Counted
from curate.stages.datasheet.markdown import MOST, paragraph, table, text
from curate.stages.datasheet.questions import QUESTIONS

PAPER = "https://arxiv.org/abs/1803.09010"

COLUMNS = ("Tracks", "Clips", "Hours")

_SOURCES = {
    "files": "Files that the makers of the dataset had.",
    "web": "Fetched from the sites where they are published, by yt-dlp.",
    "spotify": "Listed by Spotify; the audio itself comes from elsewhere.",
    "table": "Rows of a table, each a file, an address or a part of one.",
}

_SPEAKERS = {
    "tag": "the file's own tags",
    "signal": "analysis of the sound",
    "essentia": "a model that listened",
    "manual": "a person who worked on this dataset",
    "web": "the site it was fetched from",
    "spotify": "Spotify",
    "table": "the table it was listed in",
}


def lines(info: BuildInfo, counted: Counted) -> Iterator[str]:
    """The whole datasheet but for attributions."""
    answers: Any = info.config.get("datasheet") or {}
    yield from _summary(info, counted, answers)
    for name, section in (
        ("Motivation", []),
        ("Composition", _composition(info, counted)),
        ("Collection", _collection(info, counted)),
        ("Preprocessing, cleaning, labelling", _preprocessing(info, counted)),
        ("Uses", _uses(info, counted)),
        ("Distribution", _distribution(info, counted)),
        ("Maintenance", _maintenance(info)),
    ):
        yield from ("", f"## {name}", "", *section)
        yield from _asked(name, answers)


def _asked(section: str, answers: Mapping[str, str]) -> Iterator[str]:
    """The questions of a section, with people's answers or a gap to be filled."""
    for key, question in QUESTIONS.items():
        if question.section != section:
            continue
        yield f"**{question.text}**"
        yield ""
        answer = answers.get(key, "").strip()
        yield paragraph(answer) if answer else f"*To be filled in: `datasheet.{key}`.*"
        yield ""


def _summary(info: BuildInfo, counted: Counted, answers: Mapping[str, str]) -> list[str]:
    counts, chunk = info.counts, _part(info, "chunk")
    gaps = sum(not answers.get(key, "").strip() for key in QUESTIONS)
    asked = (
        f" Questions that only people can answer are marked *To be filled in* ({gaps} of "
        f"{len(QUESTIONS)}): write the answers under `datasheet:` in artists.yaml and build again."
    )
    return [
        f"# {info.name}",
        "",
        f"{counts.tracks} tracks, {counts.chunks} clips of {chunk['seconds']:g} s, "
        f"{counts.hours:.2f} hours, {chunk['sample_rate']} Hz, {chunk['channels']} channel(s), "
        f"{chunk['format']}.",
        "",
        *([] if info.complete else ["Part of the whole: built with a limit.", ""]),
        f"A datasheet after [Datasheets for Datasets]({PAPER}), written by `curate build`."
        f"{asked if gaps else ''}",
    ]


def _composition(info: BuildInfo, counted: Counted) -> Iterator[str]:
    splits, split = info.counts.splits, _part(info, "split")
    yield (
        "Each instance is a clip of a music recording: its audio, and beside it a description, "
        "title, artist, key, tempo, genre, mood and instruments, as far as they are known, with "
        "the source and score of every label. What is not known is left empty."
    )
    yield ""
    yield from table(("Artist", *COLUMNS), counted.artists.rows(counted.clip_s), others="artists")
    yield ""
    parts = [
        (name, splits[name].tracks, splits[name].chunks, splits[name].hours) for name in SPLITS
    ]
    yield from table(("Split", *COLUMNS), parts)
    yield ""
    yield (
        f"Use these splits. They were dealt out by {split['by']}; copies of one recording never "
        "stand on two sides."
    )
    yield ""
    yield from _spans(counted)
    if lacking := sorted((name, tracks) for name, tracks in counted.lacking.items() if tracks):
        yield "Tracks of which something is not known:"
        yield ""
        yield from table(("Not known", "Tracks"), lacking)
        yield ""
    yield (
        "Errors are to be expected: labels by analysis and models are often wrong, those of tags "
        "and sites are unchecked. Covers and live versions of one song are not known to be "
        "related. The dataset stands on its own: its audio is in it, and addresses are there to "
        "tell where it came from."
    )
    yield ""


def _spans(counted: Counted) -> Iterator[str]:
    low, high = counted.seconds.low, counted.seconds.high
    if low is not None:
        yield f"Tracks are {low:.0f} to {high:.0f} s long, of which clips cover a part."
        yield ""
    if counted.years.low is not None:
        yield (
            f"Years of release, where known: {counted.years.low:.0f} to {counted.years.high:.0f}."
        )
        yield ""


def _collection(info: BuildInfo, counted: Counted) -> Iterator[str]:
    rows = counted.sources.rows(counted.clip_s)
    yield from table(("Source", *COLUMNS), rows)
    yield ""
    for name in sorted(str(row[0]) for row in rows):
        if name in _SOURCES:
            yield f"- {name}: {_SOURCES[name]}"
    yield ""
    if counted.read_by.tracks:
        rows = counted.read_by.rows(counted.clip_s)
        yield from table(("Read by", "Version", *COLUMNS), rows, words=2, others="sites")
        yield ""
    if counted.retrieved.low is not None:
        yield f"Fetched between {counted.retrieved.low} and {counted.retrieved.high}."
        yield ""
    if counted.matched:
        yield (
            f"The audio of {_tracks(counted.matched)} was looked for where it was not listed; how "
            f"sure it is that it is the same recording: {counted.matches.low:.2f} to "
            f"{counted.matches.high:.2f} of 1."
        )
        yield ""
    yield (
        "The address, uploader, licence and time of retrieval of every track are in `tracks.jsonl`."
    )
    yield ""
    yield from _choice(info)
    if _from_spotify(counted):
        from curate.sources.spotify import POLICY

        yield POLICY
        yield ""


def _choice(info: BuildInfo) -> Iterator[str]:
    """How it was chosen what is in the dataset."""
    artists: Any = info.config.get("artists") or []
    limited = sum(1 for artist in artists if artist.get("limit"))
    yield (
        f"What is in the dataset was chosen by the {len(artists)} entries of artists.yaml, which "
        "`build.json` repeats. It is no random sample of anything."
    )
    yield ""
    if limited:
        yield f"- {limited} of them are limited to their first tracks, in the source's order."
    used = [artist["table"] for artist in artists if artist.get("table")]
    for rows in [rows for rows in used if rows.get("where")][:MOST]:
        yield f"- Of the rows of {text(rows['file'])} only those where: {text(rows['where'])}"
    if info.config.get("where"):
        yield f"- Only clips where: {text(info.config['where'])}"
    accepted: Any = info.config.get("licences") or ()
    if accepted:
        yield f"- Only tracks that claim one of the licences {text(', '.join(accepted))}"
    yield ""


def _from_spotify(counted: Counted) -> bool:
    told = {source.split(".")[0] for source in counted.said}
    return "spotify" in told or ("spotify",) in counted.sources.tracks


def _preprocessing(info: BuildInfo, counted: Counted) -> Iterator[str]:
    config, chunk = info.config, _part(info, "chunk")
    tails = {"drop": "left out", "align": "part of a clip that overlaps", "pad": "padded"}
    yield (
        f"Each track was decoded once, resampled to {chunk['sample_rate']} Hz, mixed to "
        f"{chunk['channels']} channel(s) and cut at exact sample counts into clips of "
        f"{chunk['seconds']:g} s; what remains at the end is {tails.get(chunk['tail'], '?')}. "
        + (
            "Clips were brought to -14 LUFS."
            if config.get("normalize")
            else "Loudness was measured and not changed."
        )
    )
    yield ""
    for done, words in (
        (config.get("denoise"), "Steady noise was taken away."),
        (config.get("vocals") == "separate", "Vocals were taken away by Demucs."),
        (config.get("vocals") == "drop_tracks", "Tracks labelled as having vocals were left out."),
        (config.get("dedupe") == "drop", "Of copies of one recording the best was kept."),
    ):
        if done:
            yield f"- {words}"
    yield ""
    yield "### Left out"
    yield ""
    yield from _left_out(info.counts.rejected)
    yield ""
    yield from _labelling(counted)
    yield from _described(info)
    yield from _models(info.models)
    yield from _made_with(info)


def _labelling(counted: Counted) -> Iterator[str]:
    yield "### Labels"
    yield ""
    yield (
        "Every label stands in the sidecar of its clip with its source and score, whether or not "
        "the description says it. Of whole tracks:"
    )
    yield ""
    yield from table(
        ("Source", "Who that is", "Of what", "Tracks"),
        (
            (source, _speaker(source), ", ".join(sorted(counted.kinds[source])), tracks)
            for source, tracks in sorted(counted.said.items())
        ),
        words=3,
        others="sources",
    )
    yield ""


def _described(info: BuildInfo) -> Iterator[str]:
    """Who wrote the descriptions."""
    yield (
        "The words that condition MusicGen are sentences made from the labels, by templates or by "
        "a language model that was given these and nothing else; those of people, tables and "
        "sites stand where these have some. `description_source` in the sidecar tells:"
    )
    yield ""
    sources = sorted(info.captions.clips.items(), key=lambda item: -item[1])
    yield from table(("Descriptions by", "Clips"), sources, words=1, others="sources")
    yield ""
    llm = info.captions.llm
    if llm is not None:
        yield (
            f"`{llm.model}` was asked and its answers held against the labels: {llm.accepted} "
            f"clips have its first answer, {llm.repaired} its second, for {llm.refused} neither "
            f"was fit and for {llm.missing} there was none; there a template stands in."
        )
        yield ""


def _made_with(info: BuildInfo) -> Iterator[str]:
    yield "### Made with"
    yield ""
    yield (
        "The files that the clips were cut from are not part of the dataset; `tracks.jsonl` has "
        "the address and SHA-256 of each, `build.json` the whole configuration."
    )
    yield ""
    yield from table(("Made with", "Version"), info.versions.items(), words=2)
    yield ""
    yield f"Data fingerprint: `{info.fingerprint}`"
    yield ""


def _speaker(source: str) -> str:
    return _SPEAKERS.get(source.split(".")[0], "")


def _left_out(rejected: dict[str, int]) -> list[str]:
    if not rejected:
        return ["Nothing."]
    rows = table(("Reason", "Items"), sorted(rejected.items()))
    return [*rows, "", "Each one is a line of `rejected.jsonl`."]


def _models(models: dict[str, str]) -> list[str]:
    """Models, their terms and whom to name: what they say is in the labels and descriptions."""
    if not models:
        return []
    lines = ["### Models", ""]
    if set(models) - {zoo.HTDEMUCS.name}:
        lines += [
            f"Labels with a source `essentia.*` were given by models ({zoo.LICENCE}: for "
            "non-commercial use, with attribution). They err; every score is kept.",
            "",
        ]
    if zoo.HTDEMUCS.name in models:
        lines += [f"Vocals were taken away by {zoo.HTDEMUCS.name} ({zoo.HTDEMUCS.licence}).", ""]
    known = {model.name: model for model in (*zoo.MODELS, zoo.HTDEMUCS)}
    cited = dict.fromkeys(known[name].citation for name in models if name in known)
    return [
        *lines,
        "| Model | SHA-256 |",
        "|---|---|",
        *(f"| {name} | `{sha256[:16]}` |" for name, sha256 in models.items()),
        "",
        "To be named:",
        "",
        *(f"- {citation}" for citation in cited),
        "",
    ]


def _uses(info: BuildInfo, counted: Counted) -> Iterator[str]:
    yield (
        "Made to fine-tune and evaluate text-to-music models, MusicGen first: audiocraft reads the "
        "manifests as they are. A model trained on it can repeat what it heard, and imitates the "
        "artists above, whose styles and voices are their own."
    )
    yield ""
    reasons = []
    if counted.terms.get("nc"):
        reasons.append(f"{_tracks(counted.terms['nc'])} under licences for non-commercial use only")
    if info.models:
        reasons.append("labels were given by models for non-commercial use only")
    if reasons:
        yield f"Not for commercial use as a whole: {', and '.join(reasons)}."
        yield ""


def _distribution(info: BuildInfo, counted: Counted) -> Iterator[str]:
    yield "### Rights"
    yield ""
    yield "On this ground the audio is used, in the words of the makers of the dataset:"
    yield ""
    yield paragraph(info.config["rights"])
    yield ""
    yield "### Licences"
    yield ""
    yield (
        "A licence is what a file, a site or a table claims for a track. It is evidence, not "
        "proof: whoever claims it may not hold the rights."
    )
    yield ""
    rows = counted.licences.rows(counted.clip_s)
    yield from table(("Licence", "Claimed by", *COLUMNS), rows, words=2, others="licences")
    yield ""
    claims = [(claim, read, tracks) for claim, read, tracks, *_ in counted.claims.rows(0.0)]
    if any(claim != read for claim, read, _ in claims):
        yield "The claims word for word, and as what they were read:"
        yield ""
        yield from table(("Claim", "Read as", "Tracks"), claims, words=2, others="wordings")
        yield ""
    yield from _terms(counted)
    yield ""


def _terms(counted: Counted) -> Iterator[str]:
    """What the licences ask for, in plain words."""
    for term, words in (
        ("nc", "for non-commercial use only"),
        ("sa", "under which what is made of them has to be passed on"),
        ("nd", "that do not allow to pass on what is made of them; a clip may be that"),
    ):
        if counted.terms.get(term):
            yield f"- {_tracks(counted.terms[term])} under licences {words}."
    if counted.attributed:
        named = _tracks(counted.attributed)
        yield f"- {named} under licences that want the author named: see Attribution at the end."
    free = sum(
        tracks
        for (licence, _), tracks in counted.licences.tracks.items()
        if licence.startswith("CC") or licence == "public domain"
    )
    if free < counted.tracks:
        yield f"- {_tracks(counted.tracks - free)} without a known licence to pass them on."


def _tracks(count: int) -> str:
    return "1 track" if count == 1 else f"{count} tracks"


def _maintenance(info: BuildInfo) -> Iterator[str]:
    yield (
        "`curate build` makes this dataset again, or extends it, from artists.yaml and the same "
        "sources; what is unchanged is not made anew, and tracks keep their split. An equal data "
        f"fingerprint means equal data: `{info.fingerprint[:16]}…`. A track is removed by taking "
        "it out of artists.yaml and building again."
    )
    yield ""


def _part(info: BuildInfo, name: str) -> Any:
    return info.config[name]
