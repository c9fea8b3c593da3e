"""Licences as people claim them, in one spelling each.

`normalise` turns what sites, tags and tables say (`CC BY 4.0`, `by-nc-nd`, an address of
creativecommons.org, 「クリエイティブ・コモンズ 表示」) into names like SPDX's in small letters:

    cc0  pd  cc-by  cc-by-sa  cc-by-nc  cc-by-nc-sa  cc-by-nd  cc-by-nc-nd  all-rights-reserved
    other    a licence, but none of these
    unknown  nothing is claimed, or it is not clear what

A Creative Commons licence keeps its version where one is claimed: `cc-by-sa-3.0`. A claim is never
taken for more than it says: words that are not understood, terms that contradict each other and
phrases such as "free to use" or "no copyright" make it `unknown`.
"""

import re
import unicodedata

FAMILIES = (
    "cc0",
    "pd",
    "cc-by",
    "cc-by-sa",
    "cc-by-nc",
    "cc-by-nc-sa",
    "cc-by-nd",
    "cc-by-nc-nd",
    "all-rights-reserved",
    "other",
    "unknown",
)
"""Every licence without its version, from the freest to those that say nothing."""

VERSIONS = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")
"""Of the Creative Commons licences with BY; CC0 and the Public Domain Mark have one only."""

PATTERN = r"(cc0|pd|cc-by(-nc)?(-sa|-nd)?(-([1234]\.0|2\.[15]))?|all-rights-reserved|other|unknown)"
"""What `licences` in artists.yaml may name."""

MAX_CHARACTERS = 1000
"""Of a claim; more is a text, not a claim."""


def normalise(claim: str | None) -> str:
    """The name of a licence as somebody claims it; a name stays as it is."""
    text = _plain(claim or "")
    if re.fullmatch(PATTERN, text):
        return text
    if not text or len(text) > MAX_CHARACTERS:
        return "unknown"
    if _RESERVED.search(text):
        return "all-rights-reserved"
    if _OTHER.fullmatch(text):
        return "other"
    return _by_address(text) if _ADDRESS.search(text) else _by_words(text)


def family(name: str) -> str:
    """A normalised name without its version."""
    head, _, version = name.rpartition("-")
    return head if version in VERSIONS else name


def allowed(claim: str | None, accepted: tuple[str, ...]) -> bool:
    """Whether a claimed licence is among the accepted ones.

    Args:
        claim: In any spelling.
        accepted: Normalised names; one without a version accepts all versions of that licence, and
            of no other: `cc-by` is not `cc-by-nc`.
    """
    name = normalise(claim)
    return name in accepted or family(name) in accepted


def address(name: str) -> str | None:
    """Where the licence of a normalised name can be read; None without a version, or for none."""
    if name == "cc0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if name == "pd":
        return "https://creativecommons.org/publicdomain/mark/1.0/"
    if name.startswith("cc-by") and family(name) != name:
        version = name.rpartition("-")[2]
        return f"https://creativecommons.org/licenses/{family(name)[3:]}/{version}/"
    return None


def title(name: str) -> str:
    """A normalised name as people write it: `CC BY-NC-SA 3.0`."""
    if name.startswith("cc-by"):
        code = family(name)[3:].upper()
        return " ".join(["CC", code, *([name.rpartition("-")[2]] if family(name) != name else [])])
    known = {"cc0": "CC0 1.0", "pd": "public domain", "all-rights-reserved": "all rights reserved"}
    return known.get(name, {"other": "another licence"}.get(name, "not known"))


def needs_attribution(name: str) -> bool:
    """Whether the author has to be named."""
    return name.startswith("cc-by")


def attribution(work: str, artist: str, claim: str | None, place: str) -> str:
    """Names a work as Creative Commons asks for: title, author, source, licence.

    Args:
        work: Its title.
        artist: Its author.
        claim: Its licence, in any spelling.
        place: Where it was had from: an address or a path.
    """
    name = normalise(claim)
    terms = title(name)
    if where := address(name):
        terms = f"{terms} ({where})"
    elif name.startswith("cc-by"):
        terms = f"{terms} (version not stated)"
    return f'"{work}" by {artist}, {place}, {terms}'


# --- reading claims ------------------------------------------------------------------------------


def _plain(claim: str) -> str:
    """NFKC, small letters, one kind of dash, inner space as one blank."""
    text = unicodedata.normalize("NFKC", claim[: 4 * MAX_CHARACTERS]).casefold()
    text = unicodedata.normalize("NFKC", text).replace("_", "-")
    text = "".join("-" if unicodedata.category(c) == "Pd" else c for c in text)
    return " ".join(text.replace("\u200b", "").split())


_RESERVED = re.compile(
    r"\ball rights? reserved\b|(?:standard youtube|youtube standard) licen[cs]e"
    r"|\btous droits réservés\b|\balle rechte vorbehalten\b|\btodos los derechos reservados\b"
    r"|\btodos os direitos reservados\b|\btutti i diritti riservati\b|無断転載|全著作権所有"
    r"|rightsstatements\.org/vocab/inc/"
)

_OTHER = re.compile(
    r"(?:the )?(?:mit|isc|apache|bsd|mpl|epl|l?gpl|agpl|gfdl|gnu fdl|gnu free documentation"
    r"|free art|lal|licence art libre|art libre|odbl|odc-by|pddl|ofl|wtfpl|unlicense|ogl"
    r"|open government|cc sampling|sampling|cc-sampling|devnations|pixabay|pixabay content|unsplash"
    r"|pexels|mixkit|epidemic sound|artlist|youtube audio library)"
    r"\+?(?:[ -]v?[0-9][0-9.]*\+?)?(?:[ -](?:only|or-later|clause))*(?:[ -]licen[cs]e)?"
    r"(?:[ -]v?[0-9][0-9.]*\+?)?",
)

_ADDRESS = re.compile(
    r"(?:^|(?<=[\s(<\[\"'=,:;]))(?:https?:)?(?://)?(?:[a-z]{2,3}\.)?creativecommons\.org/"
    r"(?P<folder>licenses|publicdomain)/(?P<code>[a-z0-9+-]+)(?:/(?P<version>[0-9](?:\.[0-9])?))?"
    r"(?:/[a-z.-]*)*"
)


def _word(*choices: str) -> str:
    """A pattern for whole words in Latin letters, whatever script is beside them."""
    return rf"(?<![a-z])(?:{'|'.join(choices)})(?![a-z])"


_CODES = {"zero": "cc0", "mark": "pd", "publicdomain": "pd", "by-nd-nc": "cc-by-nc-nd"}

_NC = (
    r"non[ -]?commercial(?: use)?(?: only)?|nicht[ -]?kommerziell|pas d'utilisation commerciale"
    r"|no[ -]?comercial|não[ -]?comercial|non commerciale|非営利|非商业性使用|非商業性"
)
_ND = (
    r"no[ -]?deriv(?:ative|ate|s)*(?: works?)?|keine bearbeitung(?:en)?|pas de modification"
    r"|sin[ -]?(?:obra[ -]?)?derivadas?|sem[ -]?deriva(?:ções|dos)|改変禁止|禁止演绎|禁止改作"
)
_PHRASES: dict[str, str] = {
    "cc0": r"cc[ -]?(?:0|zero)(?:[ -]1\.0)?|creative[ -]?commons[ -](?:0|zero)(?:[ -]1\.0)?",
    "pd": r"public[ -]?domain(?: mark| dedication)?(?:[ -]1\.0)?|cc-pddc|no[ -]rights[ -]reserved"
    r"|パブリック・?ドメイン(?:・?マーク)?|gemeinfrei|domaine public|" + _word("pdm?"),
    "nc": rf"{_NC}|" + _word("nc"),
    "nd": rf"{_ND}|" + _word("nd"),
    "sa": r"share[ -]?alike|weitergabe unter gleichen bedingungen|compartir[ -]?igual"
    r"|partage dans les mêmes conditions|compartilha[ -]?igual|condividi allo stesso modo|継承"
    r"|相同方式共享|相同方式分享|" + _word("sa"),
    "by": r"attribution|namensnennung|reconocimiento|atribución|atribuição|attribuzione|表示|署名"
    r"|姓名標示|" + _word("by"),
    "cc": r"creative[ -]?commons|クリエイティブ・?コモンズ|知识共享|創用|" + _word("cc"),
    "": _word(
        r"licen[cs](?:e|ed|es|ing|ia)|lizenz|licença|licencia|some rights reserved|reuse allowed",
        r"this|work|video|music|track|song|audio|recording|is|under|the|a|of|und|et|unported",
        r"generic|universal|deed|legal ?code|inter[ -]?na[ct]ional|version|v(?=[0-9])",
    )
    + r"|ライセンス|许可协议|国際|国际|非移植",
}
"""What the parts of a claim look like; "" are words that change nothing."""

_PLACES = (
    "at au be br ca ch cl cn co cr cz de dk ec ee eg es fi fr ge gr gt hk hr hu ie igo il in it jp"
    " kr lu mk mt mx my ng nl no nz pe ph pl pr pt ro rs se sg si th tw ug uk us ve vn za"
    " australia austria canada france germany deutschland italy italia japan netherlands spain"
    " españa usa 日本"
).split()
"""Countries that versions before 4.0 were written for."""

_SCAN = re.compile(
    "|".join(f"(?P<p{number}>{phrase})" for number, phrase in enumerate(_PHRASES.values()))
    + rf"|(?P<version>[1-4](?:\.[0-9])?(?!\.?[0-9])(?:[ -]{_word(*_PLACES)})?)"
    r"|(?P<between>[\s.,:;/()\[\]&\"'<>|・「」-]+)|(?P<more>[^\W_]+|.)"
)
_COMPACT = re.compile(r"(?<![a-z])(?:cc)?by(nc)?(sa|nd)?(?![a-z])")
_CODE = re.compile(r"by(?:[ -]nc)?(?:[ -](?:sa|nd))?(?:[ -]v?[1-4](?:\.[0-9])?)?")


def _parts(text: str) -> list[str]:
    """What a claim is made of, in order: `by`, `nc`, `4.0`, and `?` for what is not understood."""
    found = []
    for match in _SCAN.finditer(_COMPACT.sub(_spread, text)):
        kind = str(match.lastgroup)
        if kind == "more":
            found.append("?")
        elif kind == "version":
            number = re.split("[ -]", match[0])[0]
            number = number if "." in number else f"{number}.0"
            found.append(number if number in VERSIONS else "?")
        elif kind != "between":
            found.append(list(_PHRASES)[int(kind[1:])])
    return [part for part in found if part]


def _spread(match: re.Match[str]) -> str:
    """`ccbyncsa` as `cc by nc sa`."""
    parts = ("cc" if match[0].startswith("cc") else "", "by", match[1] or "", match[2] or "")
    return " ".join(part for part in parts if part)


def _by_words(text: str) -> str:
    """The licence that a text names and nothing else."""
    parts = set(_parts(text))
    terms = [term for term in ("by", "nc", "sa", "nd") if term in parts]
    if "?" in parts or not parts - {"cc", *VERSIONS} or {"sa", "nd"} <= parts:
        return "unknown"
    if "cc0" in parts or "pd" in parts:
        return "unknown" if terms else "cc0" if "cc0" in parts else "pd"
    if "by" not in terms:
        return "other" if "cc" in parts else "unknown"
    if "cc" not in parts and re.search(_word("by"), text) and not _CODE.fullmatch(text):
        return "unknown"  # `by` may be a mere word
    versions = parts.intersection(VERSIONS)
    return "-".join(("cc", *terms, *(versions if len(versions) == 1 else ())))


_REFUSALS = re.compile(
    _word("not?|non|never|except|excluding|unless|without|nicht|keine?|sauf|expired|revoked|former")
    + r"|n't|ではな|除く"
)
"""In a sentence around an address, these may turn its meaning round."""


def _by_address(text: str) -> str:
    """The licence whose address is in a text, if the words around it say nothing else."""
    names = {_addressed(match) for match in _ADDRESS.finditer(text)}
    if len(names) != 1:
        return "unknown"
    name = names.pop()
    rest = re.sub(r"(?:https?:)?//\S+", " ", _ADDRESS.sub(" ", text))
    terms = {"nc", "sa", "nd"} | ({"by"} if not name.startswith("cc-by") else set())
    more = terms.intersection(_parts(rest)) - set(family(name).split("-"))
    refused = _REFUSALS.search(re.sub(f"{_NC}|{_ND}|no rights reserved", " ", rest))
    return "unknown" if more or refused else name


def _addressed(match: re.Match[str]) -> str:
    code, version = match["code"], match["version"]
    if match["folder"] == "publicdomain" or code == "publicdomain":
        return _CODES.get(code, "other")
    name = _CODES.get(code, f"cc-{code}")
    if name not in FAMILIES:
        return "other"
    return f"{name}-{version}" if version in VERSIONS else name
