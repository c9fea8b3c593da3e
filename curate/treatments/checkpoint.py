"""Reading a checkpoint of Demucs without running anything that it says.

Demucs pickles a dict (`demucs.states.serialize_model`): `klass`, the class of the network; `args`
and `kwargs` to make it with; `state`, its weights in half precision; and `training_args`, which
nothing here needs. A pickle can name any function and have it called, so it is read by PyTorch's
`weights_only` reader, which refuses every name but tensors and those listed here; and behind those
stand not the things themselves but blanks that do nothing. Only then is the network made, of the
class that we know, from plain values that we have looked at.

The names were read off the official htdemucs (955717e8) by others who published what they found:
beside tensors the class, `Fraction` (of `segment`) and numpy's scalars (in `training_args`).
"""

import inspect
import io
import re
import warnings
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demucs.htdemucs import HTDemucs

CLASS = "demucs.htdemucs.HTDemucs"

IGNORED = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
"""What official checkpoints name and nobody needs, under its old and its new name."""


class Unreadable(Exception):
    """What is wrong with a checkpoint: the end of a sentence that begins with the file."""


class _Class:
    """Stands for the network's class."""


class _Blank:
    """Stands for what is ignored: takes everything, is nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def read(data: bytes) -> "HTDemucs":
    """The network of a checkpoint, in single precision and ready to run.

    Args:
        data: The whole file.

    Raises:
        Unreadable: It is none of htdemucs, or holds what no checkpoint needs.
    """
    package = _unpickle(data)
    if not isinstance(package, dict) or package.get("klass") is not _Class:
        raise Unreadable(f"is no checkpoint of {CLASS}")
    args, kwargs = package.get("args"), package.get("kwargs")
    if (
        not isinstance(args, list | tuple)
        or not isinstance(kwargs, dict)
        or not _plain([list(args), kwargs])
    ):
        raise Unreadable("has arguments that are not plain numbers, words and lists of them")
    return _made(tuple(args), kwargs, package.get("state"))


def _unpickle(data: bytes) -> Any:
    import torch

    known: list[Any] = [(_Class, CLASS), (Fraction, "fractions.Fraction")]
    known += [(_Blank, name) for name in IGNORED]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(known):
            warnings.simplefilter("ignore")  # what is wrong is said below
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # zip, pickle and torch raise what they like for a broken file
        # PyTorch's own words are not passed on: they explain how to turn the protection off.
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named:
            raise Unreadable(
                f"asks for {named[1]}, which no weights need; nothing of it was run"
            ) from None
        raise Unreadable(f"cannot be read as weights ({type(error).__name__})") from None


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, bool | int | float | str | Fraction)


def _made(args: tuple[Any, ...], kwargs: dict[str, Any], state: object) -> "HTDemucs":
    from demucs.htdemucs import HTDemucs

    known = inspect.signature(HTDemucs).parameters
    options = {name: value for name, value in kwargs.items() if name in known}  # as Demucs does
    options["t_sin_random_shift"] = 0  # as in htdemucs; else it would draw lots on every call
    try:
        network = HTDemucs(*args, **options)
        network.load_state_dict(state)  # copies halves into floats, and takes no other shape
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise Unreadable(
            f"does not make a network of this Demucs ({type(error).__name__}: {first})"
        ) from None
    if list(network.sources).count("vocals") != 1 or network.audio_channels != 2:
        raise Unreadable(
            f"separates {network.audio_channels} channels into {', '.join(network.sources)}; "
            "2 channels and vocals are needed"
        )
    return network.eval()
