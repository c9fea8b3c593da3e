"""Licences are known in every spelling, and no claim is taken for more than it says."""

import itertools
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate import licences
from curate.licences import FAMILIES, PATTERN, VERSIONS, normalise

KNOWN = {
    # names, ours and SPDX's
    "cc-by": "cc-by",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-SA-2.5": "cc-by-nc-sa-2.5",
    "CC-BY-SA-3.0-DE": "cc-by-sa-3.0",
    "CC-BY-3.0-IGO": "cc-by-3.0",
    "CC0-1.0": "cc0",
    "CC-PDDC": "pd",
    "cc_by_nc_4.0": "cc-by-nc-4.0",
    # as people write
    "CC BY 4.0": "cc-by-4.0",
    "CC-BY": "cc-by",
    "CC BY-NC-ND 4.0 International": "cc-by-nc-nd-4.0",
    "cc by sa 2.5": "cc-by-sa-2.5",
    "CC BY 3.0 US": "cc-by-3.0",
    "(CC BY 4.0)": "cc-by-4.0",
    "ccbyncsa 4.0": "cc-by-nc-sa-4.0",
    "CC BY 4": "cc-by-4.0",
    "CC BY v4.0.": "cc-by-4.0",
    "ＣＣ ＢＹ ４．０": "cc-by-4.0",
    "CC\u2011BY\u2013SA": "cc-by-sa",
    "licence: CC-BY": "cc-by",
    "Creative Commons Attribution 4.0 International Public License": "unknown",  # "public"
    "This work is licensed under a Creative Commons Attribution 4.0 International License.": (
        "cc-by-4.0"
    ),
    "Creative Commons Attribution-NonCommercial-ShareAlike 3.0 Unported": "cc-by-nc-sa-3.0",
    "Creative Commons Attribution-NoDerivs 2.0 Generic (CC BY-ND 2.0)": "cc-by-nd-2.0",
    "Attribution-NonCommercial-NoDerivatives 4.0 International": "cc-by-nc-nd-4.0",
    "Attribution-Noncommercial-No Derivative Works 3.0": "cc-by-nc-nd-3.0",
    "BY-SA 4.0": "cc-by-sa-4.0",
    # sites
    "Creative Commons Attribution license (reuse allowed)": "cc-by",  # YouTube
    "Creative Commons Attribution licence (reuse allowed)": "cc-by",
    "Standard YouTube License": "all-rights-reserved",
    "YouTube standard licence": "all-rights-reserved",
    "by-nc-nd": "cc-by-nc-nd",  # Jamendo, Vimeo
    "by": "cc-by",
    "Attribution": "cc-by",  # PeerTube, Freesound
    "Attribution - Share Alike": "cc-by-sa",
    "Attribution - Non Commercial - No Derivatives": "cc-by-nc-nd",
    "Public Domain Dedication": "pd",
    "Creative Commons 0": "cc0",
    "Unknown": "unknown",
    "cc-by-nc-sa": "cc-by-nc-sa",  # SoundCloud
    "all-rights-reserved": "all-rights-reserved",
    "no-rights-reserved": "pd",
    "Creative Commons Attribution-Share Alike 3.0": "cc-by-sa-3.0",  # Wikimedia
    "Public domain": "pd",
    "http://creativecommons.org/licenses/publicdomain/": "pd",  # archive.org
    "http://creativecommons.org/licenses/by-nc-sa/3.0/us/": "cc-by-nc-sa-3.0",
    # addresses
    "https://creativecommons.org/licenses/by/4.0/": "cc-by-4.0",
    "HTTPS://WWW.CREATIVECOMMONS.ORG/licenses/by-sa/3.0/deed.en": "cc-by-sa-3.0",
    "//creativecommons.org/licenses/by/2.1/jp/": "cc-by-2.1",
    "creativecommons.org/licenses/by-nd-nc/1.0": "cc-by-nc-nd-1.0",
    "https://creativecommons.org/licenses/by/4.0.": "cc-by-4.0",
    "https://creativecommons.org/licenses/by/": "cc-by",
    "https://creativecommons.org/publicdomain/zero/1.0/legalcode": "cc0",
    "https://creativecommons.org/publicdomain/mark/1.0/": "pd",
    "Music by Kevin (https://example.com) Licensed under Creative Commons: By Attribution 4.0 "
    "License http://creativecommons.org/licenses/by/4.0/": "cc-by-4.0",
    '<a rel="license" href="https://creativecommons.org/licenses/by-nc/4.0/">non-commercial</a>': (
        "cc-by-nc-4.0"
    ),
    # other languages
    "クリエイティブ・コモンズ 表示 4.0": "cc-by-4.0",
    "クリエイティブ・コモンズ・ライセンス 表示-非営利-継承 4.0 国際": "cc-by-nc-sa-4.0",
    "ｸﾘｴｲﾃｨﾌﾞ･ｺﾓﾝｽﾞ 表示-改変禁止 2.1 日本": "cc-by-nd-2.1",
    "パブリックドメイン": "pd",
    "無断転載禁止": "all-rights-reserved",
    "知识共享署名-非商业性使用 4.0 国际许可协议": "cc-by-nc-4.0",
    "Namensnennung - Weitergabe unter gleichen Bedingungen 3.0 Deutschland": "cc-by-sa-3.0",
    "Creative Commons Reconocimiento-NoComercial-CompartirIgual": "cc-by-nc-sa",
    "Attribution - Pas d'Utilisation Commerciale 2.0 France": "cc-by-nc-2.0",
    "Alle Rechte vorbehalten": "all-rights-reserved",
    # dedications
    "CC0": "cc0",
    "cc-zero": "cc0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "cc0",
    "Creative Commons Zero": "cc0",
    "PDM": "pd",
    "Public Domain Mark 1.0": "pd",
    "Creative Commons Public Domain Mark 1.0": "pd",
    # other ones
    "MIT": "other",
    "Apache License 2.0": "other",
    "GPL-3.0-or-later": "other",
    "GFDL": "other",
    "GNU Free Documentation License 1.2": "other",
    "Free Art License": "other",
    "Sampling+": "other",
    "http://creativecommons.org/licenses/sampling+/1.0/": "other",
    "http://creativecommons.org/licenses/nc-sa/1.0/": "other",
    "CC NC-SA 1.0": "other",
    "Pixabay License": "other",
    "© 2019 X. All Rights Reserved. CC BY": "all-rights-reserved",
    "https://rightsstatements.org/vocab/InC/1.0/": "all-rights-reserved",
}

UNCLEAR = [
    "",
    "   ",
    "free",
    "Free to use",
    "royalty free",
    "no copyright",
    "No Copyright Music",
    "copyright free",
    "non commercial",
    "creative commons",
    "Some rights reserved",
    "Creative Commons licence",
    "cc",
    "4.0",
    "CC BY 5.0",
    "CC BY 2019",
    "CC BY 4.0.1",
    "CC BY-NC+",
    "CC BY-SA-ND",
    "not CC BY",
    "CC BY or not",
    "CC BY except the samples",
    "CC BY 4.0 Kevin",
    "CC BY-SA 4.0 and GFDL",
    "CC0 or CC BY",
    "this is by",
    "music by a",
    "contributed by",
    "Attribution required",
    "public domain in the US",
    "PD-US",
    "permitted for research",
    "https://example.com/licenses/by/4.0/",
    "https://creativecommons.org.example.com/licenses/by/4.0/",
    "https://example.com/creativecommons.org/licenses/by/4.0/",
    "notcreativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org/",
    "https://creativecommons.org/licenses/",
    "not licensed under https://creativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org/licenses/by/4.0/ unless stated otherwise",
    "https://creativecommons.org/licenses/by/4.0/ NonCommercial",
    "https://creativecommons.org/licenses/by/4.0/ share-alike",
    "https://creativecommons.org/publicdomain/zero/1.0/ with attribution",
    "https://creativecommons.org/licenses/by/4.0/ https://creativecommons.org/licenses/by-nc/4.0/",
    "CC BY " * 300,
]


@pytest.mark.parametrize(("claim", "name"), KNOWN.items())
def test_every_spelling(claim: str, name: str) -> None:
    assert normalise(claim) == name
    assert normalise(claim.upper().replace("ª", "a")) in {name, "unknown"}  # upper() loses accents
    assert normalise(f"  {claim}\n") == name


@pytest.mark.parametrize("claim", UNCLEAR)
def test_what_is_not_clear_is_unknown(claim: str) -> None:
    assert normalise(claim) == "unknown"


def test_nothing_is_unknown() -> None:
    assert normalise(None) == "unknown"


def names() -> list[str]:
    versions = [
        f"{family}-{version}"
        for family, version in itertools.product(FAMILIES, VERSIONS)
        if family.startswith("cc-by")
    ]
    return [*FAMILIES, *versions]


@pytest.mark.parametrize("name", names())
def test_a_name_stays_and_is_read_back_from_all_its_forms(name: str) -> None:
    assert normalise(name) == name
    assert re.fullmatch(PATTERN, name)
    assert licences.allowed(name, (licences.family(name),))
    if name not in {"other", "unknown"}:
        assert normalise(licences.title(name)) == name
    if where := licences.address(name):
        assert normalise(where) == name


def test_families() -> None:
    assert licences.family("cc-by-nc-sa-3.0") == "cc-by-nc-sa"
    assert licences.family("cc-by") == "cc-by"
    assert licences.family("all-rights-reserved") == "all-rights-reserved"


@pytest.mark.parametrize(
    ("claim", "accepted", "fits"),
    [
        ("CC BY 4.0", ("cc-by",), True),
        ("CC BY", ("cc-by",), True),
        ("CC BY 4.0", ("cc-by-4.0",), True),
        ("CC BY 3.0", ("cc-by-4.0",), False),
        ("CC BY", ("cc-by-4.0",), False),
        ("CC BY-NC 4.0", ("cc-by",), False),
        ("CC BY-SA 4.0", ("cc-by", "cc-by-nc-sa"), False),
        ("CC BY-SA 4.0", ("cc-by", "cc-by-sa"), True),
        ("CC BY-NC-ND", ("cc-by-nc", "cc-by-nd"), False),
        ("CC0", ("cc-by",), False),
        ("CC0 1.0", ("cc0",), True),
        ("public domain", ("cc0",), False),
        (None, ("cc-by", "cc0", "other"), False),
        (None, ("unknown",), True),
        ("free", ("cc0", "pd"), False),
        ("MIT", ("other",), True),
        ("CC BY", (), False),
    ],
)
def test_what_is_accepted(claim: str | None, accepted: tuple[str, ...], fits: bool) -> None:
    assert licences.allowed(claim, accepted) is fits


def test_attribution_names_title_author_source_and_licence() -> None:
    line = licences.attribution("Yoru", "YOASOBI", "CC BY 4.0", "https://example.com/1")
    assert line == (
        '"Yoru" by YOASOBI, https://example.com/1, '
        "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    )
    line = licences.attribution("Yoru", "YOASOBI", "by-sa", "https://example.com/1")
    assert line.endswith(", CC BY-SA (version not stated)")
    line = licences.attribution("Yoru", "YOASOBI", None, "a.flac")
    assert line == '"Yoru" by YOASOBI, a.flac, not known'


def test_whom_to_name() -> None:
    needs = [name for name in names() if licences.needs_attribution(name)]
    assert needs == [name for name in names() if name.startswith("cc-by")]


WORDS = "cc by nc nd sa - 0 4.0 3.0 attribution non commercial public domain licence the ( ) / a"


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join))
@example("ﷺ" * 900)
def test_any_text_has_a_name_and_names_stay(claim: str) -> None:
    name = normalise(claim)
    assert re.fullmatch(PATTERN, name)
    assert normalise(name) == name


@given(st.sampled_from([c for c, name in KNOWN.items() if name.startswith("cc-by")]), st.data())
def test_one_more_term_never_makes_it_freer(claim: str, data: st.DataObject) -> None:
    term = data.draw(st.sampled_from(["NonCommercial", "NoDerivatives", "ShareAlike"]))
    short = {"NonCommercial": "nc", "NoDerivatives": "nd", "ShareAlike": "sa"}[term]
    name = licences.family(normalise(f"{claim} {term}"))
    assert name == "unknown" or short in name.split("-")


def test_hostile_claims_cost_little() -> None:
    started = time.process_time()
    for piece in ("cc by ", "non commercial ", "no deriv" + "s" * 40, "(", "creativecommons.org/"):
        assert normalise(piece * (999 // len(piece))) in {"unknown", "cc-by"}
        assert normalise(piece * 100_000) == "unknown"
    assert time.process_time() - started < 1.0
