"""Checkpoints of Demucs: what is read of them, and that nothing they say is done."""

import io
import os
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import demucs_standin as standin
import numpy as np
import pytest
import torch
from demucs.htdemucs import HTDemucs

from curate.treatments import checkpoint


@pytest.fixture(scope="module")
def package() -> dict[str, Any]:
    return standin.package(standin.chance())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "saved.th"


def test_a_network_comes_back_in_single_precision(saved: Path) -> None:
    network = standin.chance()
    standin.write(saved, network)
    assert b"numpy.core.multiarray" in saved.read_bytes()  # as the official one has it
    made = checkpoint.read(saved.read_bytes())
    assert type(made) is HTDemucs
    assert not made.training
    assert made.segment == Fraction(1)
    assert list(made.sources) == standin.SOURCES
    for name, weights in network.state_dict().items():
        found = made.state_dict()[name]
        assert found.dtype == torch.float32
        assert torch.equal(found, weights.half().float()), name


def test_todays_names_of_numpy_are_read_too(package: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(package, buffer)
    assert b"numpy._core.multiarray" in buffer.getvalue()
    assert checkpoint.read(buffer.getvalue()).samplerate == 44100


def test_options_that_demucs_has_dropped_are_dropped(package: dict[str, Any], saved: Path) -> None:
    old = package | {"kwargs": package["kwargs"] | {"no_longer_there": 3}}
    assert checkpoint.read(standin.write(saved, old).read_bytes()).channels == 8


class Evil:
    """Calls a function when it is unpickled."""

    def __init__(self, call: Any, *args: object) -> None:
        self.call = (call, args)

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return self.call


PLACES = ("klass", "args", "kwargs", "state", "training_args", "extra")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("call", "named"),
    [(os.system, "posix.system"), (exec, "exec"), (os.mkdir, "posix.mkdir")],
)
def test_what_a_pickle_calls_is_not_called(
    package: dict[str, Any], saved: Path, place: str, call: Any, named: str
) -> None:
    witness = saved.with_name("witness")
    arguments = {os.system: f"touch {witness}", exec: f"open({str(witness)!r}, 'w')"}
    argument = arguments.get(call, str(witness))
    standin.write(saved, package | {place: Evil(call, argument)})
    with pytest.raises(checkpoint.Unreadable) as caught:
        checkpoint.read(saved.read_bytes())
    assert not witness.exists()
    assert f"asks for {named}" in str(caught.value)
    assert str(caught.value).endswith("which no weights need; nothing of it was run")
    pickle.loads(pickle.dumps(Evil(call, argument)))  # the very thing, where it is trusted
    assert witness.exists()


def test_a_bare_pickle_is_refused(saved: Path) -> None:
    data = pickle.dumps({"klass": Evil(os.system, f"touch {saved}")}, protocol=2)
    with pytest.raises(checkpoint.Unreadable):
        checkpoint.read(data)
    assert not saved.exists()


def test_another_class_is_refused(package: dict[str, Any], saved: Path) -> None:
    standin.write(saved, package | {"klass": torch.nn.Linear})
    with pytest.raises(checkpoint.Unreadable, match=r"asks for torch\.nn\.modules\.linear\.Linear"):
        checkpoint.read(saved.read_bytes())


def test_the_class_is_not_made_while_reading(package: dict[str, Any], saved: Path) -> None:
    """Where a pickle calls the class itself, with arguments of its own choice."""
    standin.write(saved, package | {"klass": Evil(HTDemucs, ["vocals"])})
    with pytest.raises(checkpoint.Unreadable, match=r"cannot be read as weights \(TypeError\)"):
        checkpoint.read(saved.read_bytes())
    standin.write(saved, package | {"klass": Evil(HTDemucs)})
    with pytest.raises(checkpoint.Unreadable, match=r"is no checkpoint of demucs\.htdemucs"):
        checkpoint.read(saved.read_bytes())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kwargs": {"sources": np.float64(1)}}, "has arguments that are not plain"),
        ({"kwargs": {"sources": torch.zeros(3)}}, "has arguments that are not plain"),
        ({"args": None}, "has arguments that are not plain"),
        ({"args": (), "kwargs": {}}, "does not make a network of this Demucs"),
        ({"state": None}, "does not make a network"),
        ({"state": {}}, r"does not make a network.*state_dict"),
        ({"state": {"__quantized": True}}, "does not make a network"),
        ({"klass": None}, "is no checkpoint of"),
    ],
)
def test_what_is_not_whole_is_refused(
    package: dict[str, Any], saved: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(checkpoint.Unreadable, match=words):
        checkpoint.read(standin.write(saved, package | change).read_bytes())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sources": ["drums", "bass"]}, "separates 2 channels into drums, bass; 2 channels and"),
        ({"audio_channels": 1}, "separates 1 channels into drums, bass, other, vocals"),
    ],
)
def test_a_network_without_vocals_is_refused(
    saved: Path, options: dict[str, Any], words: str
) -> None:
    network = HTDemucs(**{"sources": standin.SOURCES, **standin.SMALL, **options})
    with pytest.raises(checkpoint.Unreadable, match=words):
        checkpoint.read(standin.write(saved, network).read_bytes())


@pytest.mark.parametrize("data", [b"", b"words", b"PK\x03\x04", bytes(1000)])
def test_what_is_no_file_of_torch_is_refused(data: bytes) -> None:
    with pytest.raises(checkpoint.Unreadable, match="cannot be read as weights"):
        checkpoint.read(data)


def test_half_a_file_is_refused(package: dict[str, Any], saved: Path) -> None:
    data = standin.write(saved, package).read_bytes()
    with pytest.raises(checkpoint.Unreadable, match="cannot be read as weights"):
        checkpoint.read(data[: len(data) // 2])


def test_scripted_code_is_refused(package: dict[str, Any], saved: Path) -> None:
    """What PyTorch would take for a network that brings its own code."""
    standin.write(saved, package)
    with zipfile.ZipFile(saved, "a") as file:
        file.writestr(file.namelist()[0].partition("/")[0] + "/constants.pkl", b"")
    with pytest.raises(checkpoint.Unreadable, match="cannot be read as weights"):
        checkpoint.read(saved.read_bytes())


def test_no_name_stays_allowed(package: dict[str, Any], saved: Path) -> None:
    before = set(map(repr, torch.serialization.get_safe_globals()))
    checkpoint.read(standin.write(saved, package).read_bytes())
    added = set(map(repr, torch.serialization.get_safe_globals())) - before
    assert [name for name in added if "torch." not in name] == []  # torch allows some of its own
