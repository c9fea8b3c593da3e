"""Addresses: one spelling each, nothing secret in what is shown, and where none may lead.

An address that a person wrote may lead anywhere on the web or at home. What a site says is another
matter: a feed on the open web must not make this machine ask the router, the cloud's metadata
service or a database beside it. `Guard` states the rule.
"""

import ipaddress
import re
import socket
import unicodedata
import urllib.parse
from dataclasses import dataclass, field

SMUGGLED = "#__youtubedl_smuggle="
"""Where yt-dlp hides notes to itself behind an address."""

_NAMES = (
    r"[\w.~%-]*(?:token|secret|signature|passw(?:or)?d|passphrase|credentials?|session(?:_?id)?"
    r"|(?:api|access|private|secret|signing)[_-]?key(?:id)?|key[_-]pair[_-]id)"
    r"|l?sig|auth|authorization|key|pwd|pass|sid|jwt|policy|hdn[et]a?|hdnts|pot"
)
_PARAMETER = re.compile(rf"(?i)(?<![\w.~%-])({_NAMES})(=|%3D)[^\s&;#\"'<>]+")
_USER = re.compile(r"(?<=://)[^/\s\"'<>?#]*@")
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*)[^\r\n]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the writing direction of what follows."""

_HOME = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".onion")
"""Ends of names that are never of the open web."""


def redact(text: str) -> str:
    """Text without what may be secret: users and passwords, tokens and signatures in addresses."""
    text = _USER.sub("...@", text)
    text = _HEADER.sub(r"\1\2...", text)
    text = _BEARER.sub(r"\1 ...", text)
    return _PARAMETER.sub(r"\1\2...", text)


def canonical(address: str) -> str:
    """One spelling of an address: no user, no default port, no `utm_` of advertisers.

    Raises:
        ValueError: It is no address.
    """
    parts = urllib.parse.urlsplit(unsmuggled(address).strip())
    scheme, host = parts.scheme.lower(), _host(parts)
    host = f"[{host}]" if ":" in host else host
    if parts.port and parts.port != {"http": 80, "https": 443}.get(scheme):
        host = f"{host}:{parts.port}"
    query = "&".join(part for part in parts.query.split("&") if not part.lower().startswith("utm_"))
    return urllib.parse.urlunsplit((scheme, host, parts.path or "/", query, parts.fragment))


def unsmuggled(address: str) -> str:
    """An address without yt-dlp's notes to itself."""
    return address.partition(SMUGGLED)[0]


def host_of(address: str) -> str:
    """Host and port of an address, without `www.`: whose patience is asked."""
    try:
        return urllib.parse.urlsplit(canonical(address)).netloc.removeprefix("www.")
    except ValueError:
        return ""


def clean(text: object, most: int) -> str:
    """Words from outside as one line: NFC, no control characters, at most so many characters."""
    if not isinstance(text, str):
        return ""
    kept = text[: 20 * most].encode("utf-8", "replace").decode()
    kept = "".join(" " if _is_control(character) else character for character in kept)
    return " ".join(unicodedata.normalize("NFC", kept).split())[:most].rstrip()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" or character in _TURNING


def fault(address: str) -> str:
    """Why an address cannot be asked at all, "" where it can."""
    try:
        parts = urllib.parse.urlsplit(unsmuggled(address).strip())
        host = _host(parts)
        _ = parts.port  # a port that is no number
    except ValueError:
        return "is no address"
    if parts.scheme.lower() not in ("http", "https"):
        return "is neither an http nor an https address"
    if not host or any(c.isspace() or _is_control(c) for c in parts.netloc):
        return "names no host"
    return ""


def same_site(one: str, other: str) -> bool:
    """Whether two hosts are one, or one is below the other (`a.org` and `cdn.a.org`)."""
    one, other = one.removeprefix("www."), other.removeprefix("www.")
    if one == other:
        return True
    if _ip(one) or _ip(other):
        return False
    return one.endswith(f".{other}") or other.endswith(f".{one}")


@dataclass(slots=True)
class Guard:
    """Says where requests may go for something that is listed at an address.

    - Only http and https.
    - To addresses of the open web, and to the very host of the listing, on any port. So a listing
      on this machine or in the house works, but one on the web leads to no private, loopback or
      link-local address, whether named by a number or by a name that stands for one.
    - `redirect`: where no site is known to yt-dlp (direct files, feeds, pages), a redirect stays on
      its host or goes above or below it (`a.org`, `www.a.org`, `cdn.a.org`): else what arrives is
      not what was listed. Known sites are left to their extractors.

    Attributes:
        listing: The address of the listing, "" where it is not known: then only the open web.
    """

    listing: str
    _inside: dict[tuple[str, bool], bool] = field(default_factory=dict)

    def refusal(self, address: str, *, resolve: bool = True) -> str:
        """Why an address must not be asked, "" where it may.

        Args:
            address: The address.
            resolve: Whether to look names up; behind a proxy it does.
        """
        wrong = fault(address)
        if wrong:
            return f"'{redact(address)[:200]}' {wrong}"
        host = _host(urllib.parse.urlsplit(address.strip()))
        if self.listing and host == _host(urllib.parse.urlsplit(self.listing)):
            return ""
        if (host, resolve) not in self._inside:
            self._inside[host, resolve] = is_inside(host, resolve=resolve)
        if self._inside[host, resolve]:
            return f"'{host}' is a private address and not the listing's own host"
        return ""

    def redirect_refusal(
        self, address: str, target: str, *, known_site: bool, resolve: bool = True
    ) -> str:
        """Why a redirect must not be followed, "" where it may."""
        wrong = self.refusal(target, resolve=resolve)
        if wrong or known_site:
            return wrong
        host = _host(urllib.parse.urlsplit(address))
        other = _host(urllib.parse.urlsplit(target))
        return "" if same_site(host, other) else f"'{host}' sends on to another host, '{other}'"


def is_inside(host: str, *, resolve: bool) -> bool:
    """Whether a host is not of the open web: private, of this machine, of this link, reserved."""
    numbers = _ip(host)
    if numbers is not None:
        return not _is_open(numbers)
    name = host.rstrip(".")
    if "." not in name or f".{name}".endswith(_HOME):
        return True
    if not resolve:
        return False
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False  # there is nothing to be reached
    return any(not _is_open(ipaddress.ip_address(str(a[0]).split("%")[0])) for *_, a in found)


_Number = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as a translator (NAT64) shows them to hosts that have IPv6 only."""


def _ip(host: str) -> _Number | None:
    """A host that is a number, in any spelling the system takes: `127.1`, `0x7f000001`."""
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        pass
    if not re.fullmatch(
        r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", host, re.IGNORECASE
    ):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def _is_open(number: _Number) -> bool:
    if isinstance(number, ipaddress.IPv6Address):
        if number in _TRANSLATED:
            number = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        else:
            number = number.ipv4_mapped or number.sixtofour or number
    return number.is_global and not number.is_multicast


def _host(parts: urllib.parse.SplitResult) -> str:
    """In small letters, without a final stop and brackets."""
    return (parts.hostname or "").rstrip(".")
