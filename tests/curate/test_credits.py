"""Who had a part in a track, from its tags and its title."""

import pytest

from curate.records import Tags, Track
from curate.stages.credits import featured, title


def track(artist: str = "A", name: str = "Song") -> Track:
    return Track("46ed4a29f62f", "files", "a.flac", artist, name)


@pytest.mark.parametrize(
    ("artists", "others"),
    [
        ((), ()),
        (("A",), ()),
        (("a",), ()),
        (("A", "B"), ("B",)),
        (("A feat. B",), ("B",)),
        (("A ft B",), ("B",)),
        (("A Featuring B",), ("B",)),
        (("A × B",), ("B",)),
        (("A x B",), ("B",)),
        (("A vs. B",), ("B",)),
        (("A with B",), ("B",)),
        (("A, B, C",), ("B", "C")),
        (("A; B",), ("B",)),
        (("Ａ、Ｂ",), ("Ｂ",)),
        (("B feat. A",), ("B",)),
        (("B", "C", "b", "A", "B"), ("B", "C")),
        (("Axel", "Max B"), ("Axel", "Max B")),
        (("Weft. B",), ("Weft. B",)),
    ],
)
def test_artists_beside_the_listed_one_are_featured(
    artists: tuple[str, ...], others: tuple[str, ...]
) -> None:
    assert featured(track(), Tags(artists=artists)) == others


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("Song", ()),
        ("Song (feat. B)", ("B",)),
        ("Song [ft. B, C]", ("B", "C")),
        ("Song（feat. 幾田りら）", ("幾田りら",)),
        ("Song feat. B", ("B",)),
        ("Song (with B)", ("B",)),
        ("Song (feat. A)", ()),
        ("Song (feat. B) (Remix)", ("B",)),
        ("With You", ()),
        ("A Feature Film", ()),
        ("Left (live)", ()),
    ],
)
def test_guests_are_read_from_the_title(name: str, others: tuple[str, ...]) -> None:
    assert featured(track(name=name), Tags()) == others
    assert featured(track(), Tags(title=name)) == others


def test_the_tags_title_is_believed_before_the_files_name() -> None:
    assert featured(track(name="01 x (feat. C)"), Tags(title="X (feat. B)")) == ("B",)
    assert title(track(name="01 x"), Tags(title="X")) == "X"
    assert title(track(name="01 x"), Tags()) == "01 x"


@pytest.mark.parametrize("name", ["Earth, Wind & Fire", "Crosby, Stills; Nash", "X × Y"])
def test_a_listed_name_is_not_cut_at_its_own_separators(name: str) -> None:
    assert featured(track(name), Tags(artists=(name,))) == ()
    assert featured(track(name), Tags(artists=(name.upper(), "B"))) == ("B",)


def test_tags_and_title_are_joined_without_doubles() -> None:
    found = featured(track(), Tags(title="Song (feat. b & c, D)", artists=("A feat. B", "C")))
    assert found == ("B", "C", "b & c", "D")
