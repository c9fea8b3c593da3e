"""What a listener may know: an order of their own, and names that tell nothing.

Everything follows from the test's secret and the listener's id by HMAC-SHA256, so a listener who
comes back, even after the server was started anew, finds the same test; and nobody without the
secret can tell from a name or an address which clip is of which set.

Each listener hears one set first in half of the pairs, which ones by chance: whoever likes the
first clip better for being first gives both sets as much. Pairs come in an order of their own too.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from .preparing import SIDES, Side, Trial


@dataclass(frozen=True, slots=True)
class Turn:
    """A pair as one listener meets it.

    Attributes:
        key: Its name for this listener.
        place: In `Trial.pairs`.
        sides: The set heard first, and the other.
        clips: Names of the first and second clip for this listener.
    """

    key: str
    place: int
    sides: tuple[Side, Side]
    clips: tuple[str, str]


def turns(trial: Trial, listener: str) -> list[Turn]:
    """The whole test as a listener meets it, in that order."""
    places = range(len(trial.pairs))
    order = sorted(places, key=lambda place: _name(trial, listener, "order", place))
    drawn = sorted(places, key=lambda place: _name(trial, listener, "first", place))
    odd = _digest(trial, listener, "odd")[0] % 2  # of an odd number one set comes first once more
    a_first = set(drawn[: (len(drawn) + odd) // 2])
    return [
        Turn(
            _name(trial, listener, "pair", place),
            place,
            SIDES if place in a_first else (SIDES[1], SIDES[0]),
            (_name(trial, listener, "clip1", place), _name(trial, listener, "clip2", place)),
        )
        for place in order
    ]


def address_key(trial: Trial) -> str:
    """What the address of an open server starts with; the same whenever it is started."""
    return _text(_digest(trial, "address"))


def _name(trial: Trial, listener: str, what: str, place: int) -> str:
    return _text(_digest(trial, "listener", listener, what, str(place)))


def _text(digest: bytes) -> str:
    """128 bits for an address."""
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _digest(trial: Trial, *parts: str) -> bytes:
    message = "\0".join(parts).encode()
    return hmac.new(bytes.fromhex(trial.secret), message, hashlib.sha256).digest()
