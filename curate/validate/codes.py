"""Every kind of finding there is: what it means, how grave it is, what to do about it.

Severity depends on whose dataset it is. `ours` is for a dataset `curate build` made, where the
whole contract of `schemas/` counts; `foreign` for any other folder with manifests, where only
audiocraft's does. None: not looked for there. The same table is in schemas/README.md (a test holds
the two together), and for every code a test breaks a good dataset in just that way.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Severities(NamedTuple):
    """How grave a finding is, by whose dataset it is."""

    ours: Severity | None
    foreign: Severity | None


_ERROR = Severities("error", "error")
_MILDER = Severities("error", "warning")
_WARNING = Severities("warning", "warning")
_OURS = Severities("error", None)
_OURS_WARNING = Severities("warning", None)
_THEIRS = Severities(None, "warning")


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding.

    Attributes:
        severity: In our datasets and in others'.
        meaning: What is wrong, and what it does to a training where it does something.
        remedy: What to do, where the finding itself says nothing better.
    """

    severity: Severities
    meaning: str
    remedy: str


_REBUILD = "run `curate build` again"
_LABELS = "fix the tag or label and run `curate build` again"
_GET = "put the file back, or run `curate build` again"

_FILES = {
    "not_a_dataset": Code(
        _ERROR,
        "The folder does not exist or holds no manifest (data.jsonl or data.jsonl.gz).",
        "give the folder of a built dataset, or one with a data.jsonl",
    ),
    "file_missing": Code(_OURS, "A file that belongs to every built dataset is missing.", _REBUILD),
    "file_unreadable": Code(
        _ERROR,
        "A manifest or another file of the dataset cannot be read.",
        "check permissions and disk, or run `curate build` again",
    ),
    "file_orphaned": Code(
        _OURS_WARNING,
        "A file below audio/ belongs to no manifest line; nothing uses it.",
        "delete it, or run `curate build` again",
    ),
    "manifest_shadowed": Code(
        _WARNING,
        "data.jsonl and data.jsonl.gz stand side by side; audiocraft reads only data.jsonl.",
        "delete the one that is out of date",
    ),
    "split_empty": Code(
        _ERROR,
        "A manifest has no line; audiocraft refuses to start with it.",
        "add tracks or lower split.valid and split.test, and build again",
    ),
    "split_substituted": Code(
        _OURS_WARNING,
        "valid or test is empty and dset.yaml puts training data in its place; its figures say "
        "nothing.",
        "add tracks, or set the split's share to 0 if that is meant",
    ),
    "not_utf8": Code(
        _ERROR, "Text is not UTF-8, or holds half a surrogate pair.", "save it as UTF-8"
    ),
    "not_json": Code(
        _ERROR,
        "A line or file is not one JSON object; in a manifest it stops the training at its start.",
        "write one whole JSON object a line",
    ),
    "line_blank": Code(
        _ERROR,
        "An empty line; audiocraft parses every line and stops at it.",
        "delete the empty line",
    ),
    "line_too_long": Code(
        _ERROR,
        "A line longer than 1 MiB cannot be the line of a clip.",
        "look for a missing line break",
    ),
    "key_twice": Code(
        _MILDER,
        "An object says a key twice; readers keep the last, or the first, or stop.",
        "keep one of the two",
    ),
    "not_finite": Code(
        _ERROR,
        "A number is NaN or infinite, as a literal (which JSON does not have) or as text; a bpm "
        "reaches the model as the word 'nan'.",
        "write null for an unknown number",
    ),
    "schema": Code(
        _OURS, "A document differs from its schema.", "see schemas/README.md for the field"
    ),
}

_LINES = {
    "field_missing": Code(
        _ERROR,
        "A field audiocraft requires is missing: it stops at the start (manifest) or in the middle "
        "of the training (sidecar).",
        "add the field; an empty value is allowed",
    ),
    "field_type": Code(
        _ERROR,
        "A field of the manifest line has a type audiocraft cannot work with.",
        "write path as text, duration and weight as numbers",
    ),
    "duration_invalid": Code(
        _ERROR,
        "A duration of zero or less; the clip cannot be drawn, or the drawing fails.",
        "write the length of the audio in seconds",
    ),
    "weight_invalid": Code(
        _ERROR,
        "A negative weight; drawing by weight fails.",
        "write a weight of 0 or more, or null",
    ),
    "info_path_crashes": Code(
        _ERROR,
        "info_path is not null and not `<zip>:<file>`; audiocraft stops at its start.",
        "write null: the sidecar is found by the audio's name",
    ),
    "wrong_split": Code(
        _OURS,
        "A line's split is not that of the folder its manifest is in; audiocraft goes by the "
        "folder.",
        _REBUILD,
    ),
    "path_relative": Code(
        _MILDER,
        "A relative path: audiocraft looks it up where `dora run` was started.",
        "write absolute paths; `curate relocate DIR` does for a built dataset",
    ),
    "path_outside": Code(
        _MILDER,
        "Audio lies outside the dataset; moving or sharing the folder leaves it behind.",
        "move the audio below the folder",
    ),
    "path_twice": Code(
        _MILDER,
        "Two lines of a manifest have the same path; the clip is drawn twice as often.",
        "delete one of the two lines; use weight to draw a clip more often",
    ),
    "dataset_moved": Code(
        _OURS,
        "The dataset is not where its paths say: audiocraft will find no audio, or another copy's.",
        "run `curate relocate DIR`",
    ),
}

_AUDIO = {
    "audio_missing": Code(_ERROR, "There is no file at the line's path.", _GET),
    "audio_unreadable": Code(
        _ERROR, "The file cannot be opened as audio.", "replace the file or drop the line"
    ),
    "duration_differs": Code(
        _ERROR,
        "The audio's header and the line disagree on the duration; segments are drawn by the "
        "line's.",
        "write the duration the file has",
    ),
    "sample_rate_differs": Code(
        _MILDER,
        "The audio's header and the line disagree on the sample rate.",
        "write the sample rate the file has",
    ),
    "not_as_configured": Code(
        _OURS,
        "A clip's sample rate, channels, format or length is not what build.json says.",
        _REBUILD,
    ),
    "formats_mixed": Code(
        _THEIRS,
        "The clips of a manifest differ in sample rate or channels; each read converts them.",
        "convert all to one sample rate and channel count",
    ),
    "chunk_short": Code(
        _MILDER,
        "A clip is shorter than the segment that is trained on; audiocraft fills it up with "
        "silence and trains on that.",
        "build with chunk.tail drop or align, or set dataset.segment_duration to the clips' length",
    ),
    "chunk_silent": Code(
        _MILDER,
        "A clip is silent (all below -60 dBFS, or -70 LUFS).",
        "drop the line; check limits.chunk",
    ),
    "chunk_clipped": Code(
        _WARNING,
        "More of a clip's samples are in runs of 3 or more at full scale than limits.chunk allows, "
        "else 5% (--deep).",
        "get a better copy of the recording; check limits.chunk.max_clipping_share",
    ),
    "audio_broken": Code(
        _ERROR,
        "Decoding fails, or gives another length than the header says (--deep).",
        "replace the file or drop the line",
    ),
    "audio_not_finite": Code(
        _ERROR,
        "The audio holds NaN or infinite samples; one of them spoils the model (--deep).",
        "write the file again as 16-bit audio",
    ),
    "audio_changed": Code(
        _OURS,
        "The audio file is not the one that was built: its SHA-256 is not the sidecar's (--deep).",
        _REBUILD,
    ),
    "amplitude_differs": Code(
        _MILDER,
        "The largest sample is not the line's amplitude (--deep).",
        "write the amplitude the file has, or null",
    ),
}

_AUDIOCRAFT = {
    "sidecar_missing": Code(
        _ERROR,
        "There is no .json beside the audio; audiocraft trains on the clip without any text and "
        "says nothing.",
        "write the sidecar: same name as the audio, .json",
    ),
    "sidecar_shared": Code(
        _ERROR,
        "Two audio files differ only in their extension, so they share one sidecar.",
        "rename one of the two",
    ),
    "sidecar_differs": Code(
        _MILDER,
        "Sidecar and manifest line disagree on a field; audiocraft trains on the sidecar's.",
        "make them equal, or run `curate build` again",
    ),
    "list_for_string": Code(
        _ERROR,
        "A list where audiocraft wants one string; it becomes None and never reaches the model.",
        "join the list with ', '",
    ),
    "string_for_list": Code(
        _MILDER,
        "moods or keywords as one string: audiocraft cuts it at every space, 'hip hop' becomes two "
        "words.",
        "write a list of strings",
    ),
    "value_lost": Code(
        _MILDER,
        "audiocraft cannot read a value and drops it without a word.",
        "write text as a string, a tempo as a number, moods and keywords as lists of strings",
    ),
    "none_literal": Code(
        _MILDER,
        "The text 'None' stands for nothing; audiocraft knows it, others print it.",
        "write an empty string",
    ),
    "key_with_comma": Code(
        _MILDER,
        "A key with a comma; audiocraft takes it for several keys and drops it.",
        "write one key, e.g. 'F# minor'",
    ),
    "bpm_crashes": Code(
        _ERROR,
        "A bpm float() cannot take (a list, an object, a number beyond all bounds): the training "
        "dies when it draws the clip.",
        "write one number or null",
    ),
    "description_empty": Code(
        _MILDER,
        "No description: at valid, evaluate and generate the clip has no text at all.",
        "write a description",
    ),
    "descriptions_differ": Code(
        _OURS,
        "The description is not the first of the descriptions.",
        "run `curate captions` on the dataset",
    ),
}

_SPLITS = {
    "leak_chunk": Code(_ERROR, "The same clip is in two splits.", "delete it from one of the two"),
    "leak_audio": Code(
        _ERROR,
        "The same audio is in two splits under two names.",
        "delete it from one of the two",
    ),
    "leak_track": Code(
        _ERROR,
        "Clips of one track are in two splits: the model is tested on what it has heard.",
        "keep all clips of a track in one split",
    ),
    "leak_group": Code(
        _OURS,
        "Near-duplicate tracks (same group) are in two splits.",
        "keep all tracks of a group in one split",
    ),
    "leak_artist": Code(
        _MILDER,
        "An artist is in two splits (in ours only where split.by is artist).",
        "keep all tracks of an artist in one split",
    ),
    "chunk_twice": Code(
        _OURS, "Two files of a split hold the same place of the same track.", _REBUILD
    ),
    "audio_twice": Code(
        _WARNING,
        "Two clips of a split hold the same audio under two names.",
        "delete one of the two",
    ),
    "recording_twice": Code(
        _OURS,
        "Two tracks were made from the same file, and are not held together as one group.",
        "list the file once",
    ),
}

_LABELS_CODES = {
    "label_range": Code(
        _MILDER,
        "A label lies outside what is possible: bpm outside 20..400, a score outside 0..1.",
        _LABELS,
    ),
    "key_name": Code(_MILDER, "A key that is not tonic and mode, e.g. 'F# minor'.", _LABELS),
    "class_dominates": Code(
        _WARNING,
        "One genre or artist of several has more than 80% of the clips.",
        "add tracks of the others, or limit this one's",
    ),
    "labels_sparse": Code(
        _WARNING,
        "More than half of the clips have no value in a field that audiocraft merges into the "
        "text; it merges nothing there.",
        "tag the files, or use labels that fill the field",
    ),
}

_BUILT = {
    "track_twice": Code(_OURS, "Two lines of tracks.jsonl have the same id.", _REBUILD),
    "track_unknown": Code(
        _OURS, "A clip's track is not in tracks.jsonl: nobody knows its rights.", _REBUILD
    ),
    "track_differs": Code(_OURS, "A clip and its track disagree on artist or split.", _REBUILD),
    "track_chunks": Code(
        _OURS,
        "tracks.jsonl says another number of clips of a track than the manifests hold.",
        _REBUILD,
    ),
    "counts_differ": Code(_OURS, "A count in build.json is not what the files hold.", _REBUILD),
    "fingerprint_differs": Code(
        _OURS,
        "The data is not what was built: build.json's fingerprint does not fit (looked at where "
        "nothing else is wrong).",
        "undo the change, or run `curate build` again",
    ),
    "dset_invalid": Code(
        _OURS, "dset.yaml is not what audiocraft expects of a datasource.", _REBUILD
    ),
    "dset_path": Code(
        _OURS,
        "dset.yaml points to another folder than the manifests of this dataset.",
        "run `curate relocate DIR`",
    ),
    "dset_padding": Code(
        _OURS,
        "dset.yaml's segment_duration or min_segment_ratio make audiocraft read beyond the clips' "
        "end: it pads with silence and trains on that.",
        "set segment_duration to the clips' length and min_segment_ratio to 1.0",
    ),
    "dset_limits": Code(
        _OURS,
        "dset.yaml allows a lower sample rate or fewer channels than the clips have; audiocraft "
        "refuses to start.",
        "raise datasource.max_sample_rate and max_channels to the clips'",
    ),
}

CODES: dict[str, Code] = _FILES | _LINES | _AUDIO | _AUDIOCRAFT | _SPLITS | _LABELS_CODES | _BUILT
"""Every code a finding can have."""
