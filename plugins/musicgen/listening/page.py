"""The page: one file with its style and script in it, that asks nobody else for anything.

The policy sent with it lets a browser run this style and this script only (by their hashes), and
ask this server only. The page holds nothing of a test, so it is the same for everybody.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).with_name("page.html")


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent.

    Attributes:
        body: The page, UTF-8.
        policy: Its Content-Security-Policy.
    """

    body: bytes
    policy: str


def load() -> Page:
    """The page with its policy."""
    body = PAGE.read_bytes()
    style, script = (_hash(body, tag) for tag in (b"style", b"script"))
    policy = (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
        "media-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return Page(body, policy)


def _hash(body: bytes, tag: bytes) -> str:
    """The source of a policy for the page's one element of this kind."""
    inside = re.findall(rb"<%b>(.*?)</%b>" % (tag, tag), body, re.DOTALL)
    if len(inside) != 1:
        raise ValueError(f"{PAGE}: {len(inside)} elements <{tag.decode()}>, expected one")
    return f"'sha256-{base64.b64encode(hashlib.sha256(inside[0]).digest()).decode()}'"
