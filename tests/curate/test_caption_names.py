"""Names of artists, titles and albums are found in captions, and plain words are let be."""

import pytest

from curate.captions.names import Names


def artist(*names: str) -> Names:
    return Names(artists=names)


def title(*names: str) -> Names:
    return Names(titles=names)


class TestFound:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("The Beatles", "A melody by the Beatles."),
            ("The Beatles", "A Beatles-esque melody."),
            ("The Beatles", "A Beatlesque melody."),
            ("The Beatles", "the beatles' sound"),
            ("BTS", "A BTS-like chorus."),
            ("BTS", "pop by bts"),
            ("U2", "A U2 guitar."),
            ("a-ha", "An A-ha synth."),
            ("a-ha", "an aha of synths"),
            ("AC/DC", "An ACDC riff."),
            ("AC/DC", "An AC-DC riff."),
            ("M.I.A.", "A MIA beat."),
            ("Björk", "A bjork voice."),
            ("Beyoncé", "like BEYONCE\u0301 herself"),
            ("Sigur Rós", "the ice of Sigur Ros"),
            ("Ke$ha", "a Ke$ha chorus"),
            ("!!!", "Dance-punk like !!! at night."),
            ("M", "Pop music by M at night."),
            ("Queen", "An anthem as Queen would play it."),
            ("Queen", "A song by queen with guitar."),
            ("Queen", "Rock in the style of queen."),
            ("Queen", 'The "queen" of rock.'),
            ("Chicago", "Horns as Chicago has them."),
            ("King Gnu feat. Millennium Parade", "A king gnu track."),
            ("King Gnu feat. Millennium Parade", "A millennium parade of sounds."),
            ("Simon & Garfunkel", "A Garfunkel harmony."),
            ("Earth, Wind & Fire", "It is brassy funk as Earth, Wind and Fire would play it."),
            ("Guns N' Roses", "Guns and Roses with a solo."),
            ("YOASOBI", "ＹＯＡＳＯＢＩ風の曲"),
            ("米津玄師", "米津玄師のような曲"),
            ("ヨルシカ", "よるしかの曲"),
            ("ヨルシカ", "ﾖﾙｼｶの曲"),
            ("Official髭男dism", "official髭男dismの曲"),
            ("嵐", "「嵐」の曲"),
            ("Кино", "музыка Кино"),
        ],
    )
    def test_an_artist(self, name: str, text: str) -> None:
        assert artist(name).mentioned(text) is not None

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("Bohemian Rhapsody - Remastered 2011", "A bohemian rhapsody of a track."),
            ("Bohemian Rhapsody (Live at Wembley)", "a Bohemian Rhapsody"),
            ("Stay (feat. Zedd)", "A track with Zedd on it."),
            ("Stay feat. Zedd & Alessia Cara", "as alessia cara sings it"),
            ("Love", 'A track called "Love".'),
            ("Love", "A track called love."),
            ("Love", "All you hear is Love in this track."),
            ("In the Dark", "Its hook is In the Dark."),
            ("Ambient 1: Music for Airports", "Ambient 1: Music for Airports"),
            ("Eyesight: The Record", "an eyesight of sound"),
            ("夜に駆ける", "夜に駆けるような曲"),
            ("Lemon (レモン)", "題名は「Lemon」"),
            ("99 Luftballons", "99 luftballons rise"),
        ],
    )
    def test_a_title(self, name: str, text: str) -> None:
        assert title(name).mentioned(text) is not None

    def test_an_album(self) -> None:
        assert Names(albums=("OK Computer (Deluxe)",)).mentioned("It has an OK Computer feel.")

    def test_a_tag_that_is_nothing_else(self) -> None:
        assert artist("Queen").mentioned("queen") == "Queen"
        assert title("Love").mentioned("Love") == "Love"

    def test_it_is_told_as_its_source_writes_it(self) -> None:
        names = Names(("Daft Punk",), ("Aerodynamic",), ("Discovery",))
        assert names.mentioned("house with an AERODYNAMIC solo by daft punk") == "Daft Punk"


class TestLetBe:
    @pytest.mark.parametrize(
        ("names", "text"),
        [
            (artist("Queen"), "A queen of a melody, queenly and proud."),
            (artist("Air"), "The pads hang in the air."),
            (artist("The Doors"), "Slamming doors open the piece."),
            (artist("Earth, Wind & Fire"), "Wind and fire rage over the earth."),
            (artist("Ash"), "A bashful melody."),
            (artist("Muse"), "An amused, musing melody."),
            (artist("M"), "A piece in M form."),
            (artist("Yes"), "It answers yes and no."),
            (artist("Bush"), "The ambush of drums."),
            (artist("ロック"), "ブロックを積む音"),
            (artist("嵐"), "嵐のような音"),
            (artist("いの"), "静かな夜がいのちを包む"),
            (title("Love"), "Love is in the sound, and love goes on."),
            (title("Home"), "It sounds like home."),
            (title("Home"), "Home is where it ends. Home again."),
            (title("Drums"), "It is driven by drums."),
            (title("In the Dark"), "It moves in the dark."),
            (title("1999"), "It is 1999 samples long."),
            (title("Intro"), "An intro of pads."),
            (title("..."), "And then ... nothing."),
            (title("+"), "Piano + strings"),
            (title("Dancing With Myself"), "a dancing beat, with myself listening"),
            (title("音楽"), "静かな音楽が流れる"),
            (title(""), "Nothing has no name."),
            (Names(), "By Queen."),
        ],
    )
    def test_plain_words(self, names: Names, text: str) -> None:
        assert names.mentioned(text) is None

    @pytest.mark.parametrize(
        ("names", "said", "text"),
        [
            (artist("Chicago"), "Chicago blues", "A slow Chicago blues track."),
            (title("Piano"), "piano", "A track with Piano in front."),
            (title("A Minor"), "A minor", "A piece in A Minor."),
            (artist("Texas"), "Texas blues", "It is Texas blues."),
            (artist("Rhodes"), "Rhodes piano", "A Rhodes piano shimmers."),
            (title("Psytrance"), "psytrance", "A psytrance track."),
        ],
    )
    def test_words_of_the_labels(self, names: Names, said: str, text: str) -> None:
        assert names.mentioned(text) is not None
        assert names.mentioned(text, (said,)) is None

    def test_but_not_in_quotation_marks(self) -> None:
        assert title("Piano").mentioned('A track called "Piano".', ("piano",)) == "Piano"

    def test_nor_beside_the_label(self) -> None:
        text = "A Chicago blues track by Chicago."
        assert artist("Chicago").mentioned(text, ("Chicago blues",)) == "Chicago"

    def test_capitals_tell_nothing_in_a_headline(self) -> None:
        assert title("In the Dark").mentioned("A Slow Song Moves In The Dark") is None
