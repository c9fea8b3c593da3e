"""Titles as catalogues and videos write them, right and wrong, and the limits around them."""

from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import soundfile

from curate.config import Artist
from curate.sources.spotify import titles
from curate.sources.spotify.local import Local
from curate.sources.spotify.matching import Candidate, Limits, Match, Wanted, best, judge, likeness

LIMITS = Limits(max_seconds_apart=3.0, min_title_match=0.8)

SAME = [
    ("Queen", "Bohemian Rhapsody - Remastered 2011", "Bohemian Rhapsody"),
    (
        "Queen",
        "Bohemian Rhapsody - Remastered 2011",
        "Queen – Bohemian Rhapsody (Official Video Remastered)",
    ),
    ("Queen", "Don't Stop Me Now - 2011 Mix", "Queen - Don’t Stop Me Now (Official Video)"),
    ("Oasis", "Live Forever - Remastered", "Oasis - Live Forever (Official HD Remastered Video)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall [Official Video] [4K]"),
    ("The Beatles", "Here Comes The Sun - 2019 Mix", "The Beatles - Here Comes The Sun (2019 Mix)"),
    ("a-ha", "Take on Me", "a-ha - Take On Me (Official Video) [Remastered in 4K]"),
    ("AC/DC", "Thunderstruck", "AC/DC - Thunderstruck (Official Video)"),
    ("Lana Del Rey", "Video Games", "Lana Del Rey - Video Games"),
    ("Prince", "1999 - 2019 Remaster", "Prince - 1999 (Official Music Video)"),
    ("The Smashing Pumpkins", "1979 - Remastered 2012", "The Smashing Pumpkins - 1979"),
    ("Beyoncé", "Déjà Vu (feat. JAY-Z)", "Beyonce - Deja Vu ft. Jay-Z (Official Video)"),
    ("Dua Lipa", "Levitating (feat. DaBaby)", "Dua Lipa - Levitating Featuring DaBaby (Lyrics)"),
    ("Ariana Grande", "the boy is mine (with Brandy, Monica)", "the boy is mine"),
    ("Simon & Garfunkel", "Mrs. Robinson", "Simon and Garfunkel - Mrs Robinson (Audio)"),
    ("Black Sabbath", "Black Sabbath - 2012 Remaster", "Black Sabbath - Black Sabbath"),
    ("The Rolling Stones", "(I Can't Get No) Satisfaction", "I Cant Get No Satisfaction"),
    ("Tame Impala", "The Less I Know The Better", "Tame Impala - Less I Know the Better"),
    ("Queen", "Bohemian Rhapsody - Live Aid", "Queen - Bohemian Rhapsody (Live Aid 1985)"),
    ("Eric Clapton", "Layla - Acoustic; Live", "Layla (Acoustic) (Live)"),
    ("Taylor Swift", "Love Story (Taylor’s Version)", "Love Story (Taylor's Version) [Lyrics]"),
    ("Ed Sheeran", "÷", "÷"),
    ("YOASOBI", "アイドル", "YOASOBI「アイドル」 Official Music Video"),
    ("YOASOBI", "夜に駆ける", "夜に駆ける / YOASOBI"),
    ("YOASOBI", "夜に駆ける", "【公式】夜に駆ける／ＹＯＡＳＯＢＩ(Official Audio)"),
    ("YOASOBI", "アイドル", "YOASOBI 「ｱｲﾄﾞﾙ」 歌詞付き"),
    ("YOASOBI", "Idol (English Ver.)", "YOASOBI - Idol (English Ver.) Official Video"),
    ("米津玄師", "Lemon", "米津玄師  MV「Lemon」"),
    ("米津玄師", "Lemon", "Lemon / 米津玄師 [Official Audio]"),
    ("Ado", "唱", "【Ado】唱"),
    ("Ado", "うっせぇわ", "【Ado】うっせぇわ"),
    ("Official髭男dism", "Pretender", "Official髭男dism - Pretender［Official Video］"),
    ("ずっと真夜中でいいのに。", "秒針を噛む", "ずっと真夜中でいいのに。『秒針を噛む』MV"),
    (
        "RADWIMPS",
        "前前前世 (movie ver.)",
        "RADWIMPS - 前前前世 (movie ver.) [Official Music Video]",
    ),
    ("King Gnu", "白日", "King Gnu - 白日 (フル 歌詞)"),
    ("藤井 風", "死ぬのがいいわ", "藤井風 - 死ぬのがいいわ (Shinunoga E-Wa) Official Audio"),
    ("Eve", "廻廻奇譚", "廻廻奇譚 - Eve MV"),
    ("Eve", "ドラマツルギー", "Eve『ドラマツルギー』MV"),
    ("レミオロメン", "3月9日", "レミオロメン - 3月9日(Music Video)"),
    ("BUMP OF CHICKEN", "天体観測", "BUMP OF CHICKEN「天体観測」"),
    ("ドライブ少年", "ドライブ", "ドライブ少年 - ドライブ"),
    ("Deep Purple", "Highway Star", "Deep Purple - Highway Star 【ドライブ】"),
]

OTHER = [
    ("Oasis", "Live Forever", "Oasis - Live Forever (Live at Knebworth)"),
    ("Oasis", "Wonderwall", "Wonderwall - Live"),
    ("Oasis", "Wonderwall - Live", "Oasis - Wonderwall (Official Video)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall (Karaoke Version)"),
    ("Oasis", "Wonderwall", "Wonderwall - Oasis (Acoustic Cover by Someone)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall Guitar Lesson"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall (sped up)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall (slowed + reverb)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall (Instrumental)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall (Demo)"),
    ("Oasis", "Wonderwall", "Oasis - Wonderwall [1 Hour Loop]"),
    ("Oasis", "Wonderwall", "Oasis - Don't Look Back in Anger"),
    ("Oasis", "Wonderwall", "Oasis"),
    ("Oasis", "Hello", "Oasis - Hello Goodbye"),
    ("Idol", "Lemon", "Idol - Melon"),
    ("Daft Punk", "One More Time", "Daft Punk - One More Time (Club Mix)"),
    ("Daft Punk", "One More Time", "Daft Punk - One More Time (Skrillex Remix)"),
    ("Daft Punk", "One More Time - Zedd Remix", "Daft Punk - One More Time (Skrillex Remix)"),
    ("Taylor Swift", "Love Story", "Taylor Swift - Love Story (Taylor's Version)"),
    ("Taylor Swift", "Love Story (Taylor’s Version)", "Taylor Swift - Love Story"),
    ("Pink Floyd", "Another Brick in the Wall, Pt. 2", "Another Brick in the Wall (Part 1)"),
    ("Beethoven", "Symphony No. 5", "Symphony No. 9"),
    ("Blur", "Song 2", "Blur - Song"),
    ("John Williams", "Theme Part II", "Theme Part III"),
    ("The Weeknd", "Intro", "The Weeknd - Intro (Outro)"),
    ("The Beatles", "I Want to Hold Your Hand", "I Want to Hold Your Heart"),
    ("Queen", "Bohemian Rhapsody", "Bohemian Rhapsody (8D Audio)"),
    ("Queen", "Bohemian Rhapsody", "Bohemian Rhapsody (Piano Version)"),
    ("Queen", "Bohemian Rhapsody", "Bohemian Rhapsody in the style of Queen"),
    ("YOASOBI", "アイドル", "【歌ってみた】アイドル / YOASOBI covered by 花子"),
    ("YOASOBI", "アイドル", "アイドル 歌ってみた"),
    ("YOASOBI", "アイドル", "YOASOBI「アイドル」ライブ映像"),
    ("YOASOBI", "アイドル", "【カラオケ】アイドル / YOASOBI"),
    ("YOASOBI", "アイドル", "YOASOBI - アイドル (オフボーカル)"),
    ("YOASOBI", "アイドル", "アイドル - YOASOBI ピアノ"),
    ("YOASOBI", "アイドル", "アイドル【弾き語り】"),
    ("YOASOBI", "アイドル", "YOASOBI - Idol (English Ver.)"),
    ("YOASOBI", "Idol", "YOASOBI - Idol English Ver."),
    ("YOASOBI", "夜に駆ける", "夜に駆ける - From THE FIRST TAKE"),
    ("YOASOBI", "夜に駆ける", "YOASOBI - 群青"),
    ("RADWIMPS", "前前前世", "RADWIMPS - 前前前世 (movie ver.)"),
    ("米津玄師", "Lemon", "米津玄師 - Flamingo"),
    ("ドライブ少年", "ドライブ", "ドライブ少年 - ドライブ (ライブ)"),
    ("嵐", "Love so sweet", "嵐 - Love so sweet オルゴール"),
]


@pytest.mark.parametrize(("artist", "title", "other"), SAME)
def test_the_same_recording_by_its_title(artist: str, title: str, other: str) -> None:
    assert likeness(title, other, (artist,)) == (pytest.approx(1, abs=0.2), "")
    assert likeness(title, other, (artist,))[0] >= LIMITS.min_title_match


@pytest.mark.parametrize(("artist", "title", "other"), OTHER)
def test_another_recording_by_its_title(artist: str, title: str, other: str) -> None:
    assert likeness(title, other, (artist,))[0] < LIMITS.min_title_match
    assert likeness(other, title, (artist,))[0] < LIMITS.min_title_match


def test_the_fault_is_named() -> None:
    assert likeness("Song", "Song (Live)")[1] == "it is another version (live)"
    assert likeness("Song (Remix)", "Song")[1] == "it is another version (remix)"
    assert likeness("Song (Part 1)", "Song (Part 2)")[1] == "it has another number in its title"
    assert likeness("Song", "Melody") == (0.0, "")


@hypothesis.given(st.text(max_size=40), st.text(max_size=40), st.lists(st.text(max_size=10)))
def test_any_text_is_a_title(title: str, other: str, names: list[str]) -> None:
    like, fault = likeness(title, other, tuple(names))
    assert 0 <= like <= 1
    assert likeness(other, title, tuple(names)) == (pytest.approx(like, abs=0.25), fault)
    assert likeness(title, title, tuple(names)) == (1.0, "") or not titles.plain(title).strip()


def test_marks_of_kana_are_not_accents() -> None:
    assert titles.plain("Beyoncé ガ ｶﾞ か\u3099") == "beyonce ガ ガ が"
    assert titles.tokens("夜に駆ける yoru ni") == (*"夜に駆ける", "yoru", "ni")
    assert [titles.script(word) for word in ("yoru", "夜", "か", "ー", "방탄", "δ")] == [
        "LATIN",
        *["JAPANESE"] * 3,
        "HANGUL",
        "GREEK",
    ]


WANTED = Wanted("Lemon", ("米津玄師", "Kenshi Yonezu"), 255.0, "JPU901800006")


def video(
    title: str, by: str = "Kenshi Yonezu  米津玄師", seconds: float | None = 255.0
) -> Candidate:
    return Candidate("https://videos.example/1", (title,), (by,), seconds)


def test_the_score_falls_with_likeness_and_length() -> None:
    assert judge(WANTED, video("Lemon"), LIMITS) == Match(1.0, 1.0, 0.0)
    assert judge(WANTED, video("Lemon", seconds=256.5), LIMITS) == Match(0.75, 1.0, 1.5)
    assert judge(WANTED, video("Lemon", seconds=258.0), LIMITS) == Match(0.5, 1.0, 3.0)
    far = judge(WANTED, video("Lemon", seconds=258.1), LIMITS)
    assert far.fault == "its length differs by 3.1 s"
    assert far.score == 0
    assert judge(WANTED, video("Lemon", seconds=None), LIMITS).fault == "its length is not known"
    assert judge(WANTED, video("Flamingo"), LIMITS).fault == "it has another title"
    exact = Limits(0.0, 0.8)
    assert judge(WANTED, video("Lemon"), exact).score == 1.0


@pytest.mark.parametrize(
    ("title", "by", "fault"),
    [
        ("Lemon", "Kenshi Yonezu", ""),
        ("米津玄師 MV「Lemon」", "ハチ", ""),
        ("Lemon", "KenshiYonezuVEVO", ""),
        ("Lemon", "Official 米津玄師", ""),
        ("Lemon", "花子", "it is by another artist"),
        ("Lemon", "Somebody", "it is by another artist"),
        ("Lemon", "Kenshi Yonezu Karaoke", "it is by those who play what others recorded"),
        ("Lemon - Kenshi Yonezu", "Sing King Karaoke", "it is by those who play"),
        ("Lemon - Kenshi Yonezu", "Piano Tribute Players", "it is by those who play"),
    ],
)
def test_a_video_must_be_by_the_artist(title: str, by: str, fault: str) -> None:
    assert judge(WANTED, video(title, by), LIMITS).fault.startswith(fault)
    assert bool(judge(WANTED, video(title, by), LIMITS).fault) == bool(fault)


def own(*artists: str, isrc: str | None = None, seconds: float | None = 255.0) -> Candidate:
    return Candidate("Lemon.flac", ("Lemon",), artists, seconds, isrc, own=True)


def test_an_own_file_need_not_name_the_artist_but_no_other_one() -> None:
    latin = Wanted("Lemon", ("Kenshi Yonezu",), 255.0)
    assert judge(latin, own(), LIMITS).score == 0.9
    assert judge(latin, own("米津玄師"), LIMITS).score == 0.9  # may be the same, in another script
    assert judge(latin, own("Kenshi Yonezu", "Masaki Suda"), LIMITS).score == 1.0
    assert judge(latin, own("Someone Else"), LIMITS).fault == "it is by another artist"


def test_an_isrc_decides_but_for_the_length() -> None:
    told = Candidate("x", ("Anything",), ("Anyone",), 255.5, WANTED.isrc)
    assert judge(WANTED, told, LIMITS) == Match(1.0, 1.0, 0.5)
    assert judge(WANTED, own(isrc=WANTED.isrc, seconds=None), LIMITS) == Match(1.0, 1.0, None)
    assert judge(WANTED, own(isrc=WANTED.isrc, seconds=90.0), LIMITS).fault
    assert judge(WANTED, own(isrc="USXXX0000001"), LIMITS).score == 0.9  # re-issues have others
    assert judge(Wanted("Lemon", ("X",)), own(isrc=None, seconds=None), LIMITS).fault


def test_the_best_is_the_surest_else_the_closest() -> None:
    right, near = video("Lemon"), video("Lemon", seconds=257.0)
    live, other = video("Lemon (Live)"), video("Flamingo")
    assert best(WANTED, [live, near, right, other], LIMITS) == (right, Match(1.0, 1.0, 0.0))
    assert best(WANTED, [other, near], LIMITS) == (near, judge(WANTED, near, LIMITS))
    far = video("Lemon", seconds=400.0)
    closest = best(WANTED, [other, far, live], LIMITS)
    assert closest is not None
    assert closest[0] is far
    assert closest[1].fault == "its length differs by 145.0 s"
    assert best(WANTED, [], LIMITS) is None


def test_files_say_what_they_are(tmp_path: Path) -> None:
    import mutagen

    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music/02_Lemon.wav", np.zeros(44100 * 2), 44100)
    tagged = tmp_path / "music/x.flac"
    soundfile.write(tagged, np.zeros(44100), 44100)
    file = mutagen.File(tagged)
    file.update({"title": "Flamingo", "artist": "米津玄師", "isrc": "JP-U90-18-00006"})
    file.save()
    (tmp_path / "music/broken.flac").write_bytes(b"fLaC, almost")
    local, artist = Local(tmp_path), Artist("米津玄師", files=("music", "gone.flac"))
    found = {candidate.place: candidate for candidate in local.candidates(artist)}
    lemon = Candidate("music/02_Lemon.wav", ("02 Lemon", "Lemon"), (), 2.0, None, own=True)
    assert found["music/02_Lemon.wav"] == lemon
    assert found["music/x.flac"] == Candidate(
        "music/x.flac", ("Flamingo",), ("米津玄師",), 1.0, "JPU901800006", own=True
    )
    assert found["music/broken.flac"].duration_s is None
    assert found["gone.flac"].duration_s is None
    assert local.path(artist, "music/x.flac") == tagged
    wanted = Wanted("Lemon", ("米津玄師",), 2.5)
    assert best(wanted, found.values(), LIMITS) == (lemon, Match(0.825, 1.0, 0.5))
    tagged.unlink()
    assert local.candidates(artist) == list(found.values())  # read once a build
