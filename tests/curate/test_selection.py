"""What is said of a track is worked out once, and again where something was added to it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import test_ledger as tracks

from curate.building.catalog import Catalog
from curate.building.ledger import Item, Ledger
from curate.building.selection import Selection
from curate.config import Config
from curate.errors import ConfigError
from curate.labels.manual import Manual
from curate.records import Label

COPY = "0123456789ab"


class Counting(Ledger):
    """Counts how often it is asked what is said of a track."""

    asked = 0

    def statements(self, *arguments: object) -> object:  # type: ignore[override]
        self.asked += 1
        return super().statements(*arguments)  # type: ignore[arg-type]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.sqlite") as made:
        yield made


@pytest.fixture
def item(tmp_path: Path, catalog: Catalog) -> Item:
    file = tmp_path / "a.flac"
    file.write_bytes(b"sound")
    tracks.worked(catalog, file)
    return tracks.item(file)


def ledger(catalog: Catalog, config: Config = tracks.CONFIG) -> Counting:
    said = {COPY: (Label("mood", "wistful", "manual"),)}
    return Counting(catalog, config, catalog.path.parent, manual=Manual(labels=said))


def ask_all(selection: Selection, item: Item) -> None:
    for _ in range(3):
        selection.refusal(item)
        selection.chunked(item)
        selection.of(item)


def test_what_is_said_is_worked_out_once(catalog: Catalog, item: Item) -> None:
    known = ledger(catalog)
    selection = Selection(known, tracks.CONFIG)
    ask_all(selection, item)
    assert known.asked == 1
    assert selection.of(item).about.clips == (tracks.CLIP.id,)


def test_clips_alone_need_nothing_said(catalog: Catalog, item: Item) -> None:
    known = ledger(catalog)
    assert Selection(known, tracks.CONFIG).chunked(item) == tracks.CHUNKED
    assert known.asked == 0


def test_what_does_not_fit_is_worked_out_again_and_is_the_same(
    catalog: Catalog, item: Item
) -> None:
    known = ledger(catalog)
    selection = Selection(known, tracks.CONFIG, most_clips=0)
    assert selection.of(item) == selection.of(item)
    assert known.asked == 2


def test_copies_are_heard_although_it_was_asked_before(catalog: Catalog, item: Item) -> None:
    config = replace(tracks.CONFIG, where='mood == "wistful"')
    selection = Selection(ledger(catalog, config), config)
    refused = selection.refusal(item)
    assert refused is not None
    assert refused.code == "filtered"
    assert [one.code for one in selection.chunked(item).rejections] == ["filtered"]
    selection.join({item.index: [COPY]})
    assert selection.refusal(item) is None
    assert selection.of(item).about.facts[0].moods == ("wistful",)
    assert selection.chunked(item) == tracks.CHUNKED


def test_a_condition_that_makes_no_sense_is_told(catalog: Catalog) -> None:
    config = replace(tracks.CONFIG, where="mood = 1 ==")
    with pytest.raises(ConfigError, match="where"):
        Selection(ledger(catalog, config), config)
