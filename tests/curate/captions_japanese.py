"""Captions in Japanese: fine ones for their facts, and others with the code of what is wrong."""

from curate.records import Facts

CITY = Facts(
    genres=("city pop",),
    moods=("nostalgic",),
    instruments=("electric piano", "bass", "drums"),
    sung=True,
    bpm=104,
    key="E major",
    decade=1980,
)
PIANO = Facts(
    genres=("classical",),
    moods=("calm",),
    instruments=("piano",),
    sung=False,
    bpm=66,
    key="A minor",
)
ROCK = Facts(
    genres=("J-rock",), moods=("energetic",), instruments=("electric guitar", "drums"), bpm=170
)

GOOD: tuple[tuple[Facts, str], ...] = (
    (
        CITY,
        "80年代のシティポップで、エレピとベース、ドラムが懐かしいムードを作る。テンポは約104BPM。",
    ),
    (CITY, "ホ長調のシティポップ。ノスタルジックな歌声にベースラインが寄り添います。"),
    (CITY, "1980年代らしいポップスで、ボーカルとエレクトリックピアノが心地よく響く曲です。"),
    (CITY, "ミディアムテンポの、懐かしいJ-POP。ベースとドラムのビートに歌が乗る。"),
    (PIANO, "穏やかなクラシックのピアノ曲。テンポはゆっくりで、イ短調、ボーカルはない。"),
    (PIANO, "静かなピアノのインストゥルメンタルです。66BPMで、キーはAマイナーです。"),
    (PIANO, "歌の入っていない、落ち着いたピアノの曲。"),
    (PIANO, "短調のゆったりとしたピアノ音楽で、歌声はありません。"),
    (ROCK, "疾走感のあるエネルギッシュな邦楽ロック。エレキギターとドラムが鳴り響く。"),
    (ROCK, "速いテンポのロックで、ギターのリフとドラムのビートが力を放つ。"),
    (ROCK, "ブロックを積むように、ギターが重なっていくJ-ROCKの曲。"),
    (Facts(), "音がくっきりと聞こえる短い曲。"),
)

BAD: tuple[tuple[str, Facts, str], ...] = (
    ("instrument", CITY, "懐かしいシティポップで、サックスのソロが響く。"),
    ("instrument", PIANO, "穏やかなピアノとチェロの曲。"),
    ("instrument", PIANO, "穏やかなピアノの曲で、ドラムは入っていない。"),
    ("instrument", ROCK, "エレキギターとベースが鳴り響く邦楽ロック。"),
    ("genre", CITY, "懐かしいジャズの曲で、エレピが響く。"),
    ("genre", PIANO, "穏やかなジャズピアノの曲。"),
    ("genre", ROCK, "エネルギッシュなテクノの曲です。"),
    ("mood", PIANO, "悲しいピアノの曲です。"),
    ("mood", ROCK, "穏やかなロックで、ギターが響く。"),
    ("key", PIANO, "ハ長調の穏やかなピアノの曲。"),
    ("key", PIANO, "キーはCメジャーの、静かなピアノ曲。"),
    ("key", ROCK, "エレキギターが響く、短調のロックです。"),
    ("tempo", PIANO, "とても速いテンポの穏やかなピアノの曲。"),
    ("tempo", PIANO, "120BPMの穏やかなピアノの曲。"),
    ("tempo", Facts(), "ゆっくりとした曲で、音がやわらぐ。"),
    ("era", CITY, "90年代の懐かしいシティポップです。"),
    ("era", CITY, "懐かしいシティポップで、1984年の曲。"),
    ("contradiction", PIANO, "穏やかなピアノに女性ボーカルが重なる。"),
    ("contradiction", CITY, "懐かしいシティポップのインストゥルメンタルです。"),
    ("contradiction", CITY, "ボーカルのない、懐かしいシティポップ。"),
    ("vocals", ROCK, "エレキギターと歌声が響く邦楽ロック。"),
    ("vocals", ROCK, "歌の入っていない、エレキギターのロック。"),
    ("vocals", CITY, "懐かしいシティポップで、女性ボーカルが歌う。"),
    ("wrong_language", PIANO, "A calm classical piano piece in A minor."),
    ("wrong_language", PIANO, "一首平静的古典钢琴曲。"),
    ("too_short", PIANO, "ピアノ曲"),
    ("too_long", PIANO, "穏やかなピアノの曲です。" * 40),
    ("too_long", PIANO, "ピアノです。" * 8),
    ("markup", PIANO, "「穏やかなピアノの曲です。」"),
    ("markup", PIANO, "説明：穏やかなピアノの曲です。"),
    ("markup", PIANO, "以下は穏やかなピアノの曲です。"),
)
