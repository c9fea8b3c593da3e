"""The tunes: a flat table in the notation of `melodies.py`, with origin and remarks."""

from melodies import Melody

SAKURA = Melody(
    title="さくらさくら (Sakura Sakura)",
    composer="traditional (Edo period)",
    year="before 1888",
    source="Traditional, printed 1888 in Sōkyokushū. In-scale (miyako-bushi) A B C E F: its five "
    "notes all lie in A minor, and phrases rest on A and E, so it is given as minor on A with the "
    "final E as the fifth of the tonic chord.",
    mode="minor",
    beats_per_bar=4,
    tempo_range=(60, 126),
    centre=69,
    notes="1 1 2:2 | 1 1 2:2 | 1 2 3 2 | 1 2/ 1/ 6,:2 | 5, 3, 5, 6, | 5, 5,/ 3,/ 2,:2"
    "| 1 2 3 2 | 1 2/ 1/ 6,:2 | 5, 3, 5, 6, | 5, 5,/ 3,/ 2,:2"
    "| 1 1 2:2 | 1 1 2:2 | 5, 6, 2/ 1/ 6, | 5,:4",
    chords="i:2 V:2 | i:2 V:2 | i | VI | i | V | i | VI | i | V | i:2 V:2 | i:2 V:2 | VI | i",
)

KOJO_NO_TSUKI = Melody(
    title="荒城の月 (Kōjō no Tsuki)",
    composer="滝廉太郎 Taki Rentarō (1879-1903)",
    year="1901",
    source="Chūgaku shōka, 1901. Taki's own version with the raised fourth degree (not Yamada's "
    "later arrangement), values doubled.",
    mode="minor",
    beats_per_bar=4,
    tempo_range=(60, 108),
    centre=71,
    notes="5, 5, 1 2 | 3 2 1:2 | 6, 6, 5, #4, | 5,:3 r | 5, 5, 1 2 | 3 2 1:2"
    "| 6, 4, 5,:1.5 5,/ | 1,:3 r | 3, 3, 2, 1, | 6,:1.5 6,/ 5,:2 | 4, 5, 6,:1.5 6,/ | 5,:3 r"
    "| 5, 5, 1 2 | 3 2 1:2 | 6, 4, 5,:1.5 5,/ | 1,:3 r",
    chords="i | i | iv | V | i | i | iv:2 V:2 | i | i | iv:2 i:2 | iv | V | i | i | iv:2 V:2 | i",
)

HANA = Melody(
    title="花 (Hana)",
    composer="滝廉太郎 Taki Rentarō (1879-1903)",
    year="1900",
    source="Shiki (Four Seasons), 1900; first verse, values doubled. Its middle turns to the "
    "dominant for four bars.",
    mode="major",
    beats_per_bar=4,
    tempo_range=(96, 150),
    centre=67,
    notes="5,:1.5 5,/ 1:1.5 1/ | 2/ 1/ 7,/ 6,/ 5,:2 | 3,/ 5,/ 1/ 2/ 3 5 | 2:3 r"
    "| 5,:1.5 5,/ 1:1.5 1/ | 2/ 1/ 6,/ 7,/ 5,:2 | 2:1.5 2/ 2 3 | 1:3 r"
    "| 5:1.5 5/ 5:1.5 3/ | 4:1.5 4/ 4:1.5 2/ | 3:2 6, 2 | 5,:3 r"
    "| 5,:1.5 5,/ 1 1 | 2/ 1/ 7,/ 6,/ 5,:2 | 2 2:0.75 3// 4 2 | 1:3 r",
    chords="I | V7:2 I:2 | I | V7 | I | V7:2 I:2 | V7 | I | I | V7 | I:2 IV:1 II7:1 | V"
    "| I | V7:2 I:2 | V7 | I",
)

FURUSATO = Melody(
    title="故郷 (Furusato)",
    composer="岡野貞一 Okano Teiichi (1878-1941)",
    year="1914",
    source="Jinjō shōgaku shōka for the sixth year, 1914.",
    mode="major",
    beats_per_bar=3,
    tempo_range=(66, 126),
    centre=65,
    notes="1 1 1 | 2:1.5 3/ 2 | 3 3 4 | 5:2 r | 4 5 6 | 3:1.5 4/ 3 | 2 2 7, | 1:2 r"
    "| 2/ 1/ 2 5, | 1/ 2/ 3 3 | 4/ 3/ 4:1.5 6/ | 5/ 4/ 3 r | 5 5 5 | 1:1.5 2/ 3 | 4 4 2 | 1:2 r",
    chords="I | V | I | I | IV | I | V7 | I | V | I | IV | I | iii | vi | ii:2 V7:1 | I",
)

OBOROZUKIYO = Melody(
    title="朧月夜 (Oborozukiyo)",
    composer="岡野貞一 Okano Teiichi (1878-1941)",
    year="1914",
    source="Jinjō shōgaku shōka for the sixth year, 1914.",
    mode="major",
    beats_per_bar=3,
    tempo_range=(60, 108),
    centre=62,
    pickup="3/ 3/",
    notes="1:1.5 2/ 3/ 5/ | 5/ 6/ 5 2 | 3:1.5 1/ 2/ 5/ | 3:2 5/ 5/"
    "| 3:1.5 4/ 5/ 1'/ | 1'/ 2'/ 1' 5 | 6:1.5 3/ 2/ 2/ | 1:2 5/ 5/"
    "| 1':1.5 1'/ 1'/ 2'/ | 1'/ 6/ 5 5/ 3/ | 5:1.5 6/ 3/ 3/ | 2:2 1/ 2/"
    "| 3:1.5 1/ 3/ 4/ | 5/ 1'/ 6 5 | 6:1.5 3/ 2/ 2/ | 1:2 r",
    chords="I | I:2 V:1 | I:2 V7:1 | I | I | I | IV:2 V7:1 | I | IV | I | I | V"
    "| I | IV | IV:1 V7:2 | I",
)

HARU_NO_OGAWA = Melody(
    title="春の小川 (Haru no Ogawa)",
    composer="岡野貞一 Okano Teiichi (1878-1941)",
    year="1912",
    source="Jinjō shōgaku shōka for the fourth year, 1912.",
    mode="major",
    beats_per_bar=4,
    tempo_range=(80, 180),
    centre=62,
    notes="3 5 6 5 | 3 5 1' 1' | 6 6 5 3 | 1 2 3 r | 3 5 6 5 | 3 5 1' 1' | 6 6 5 3 | 2 3 1 r"
    "| 2 3 2 5 | 6 6 5 6 | 1' 1' 7 6 | 5 5 3 r | 3 5 6 5 | 3 5 1' 1' | 6 6 5 3 | 2 3 1 r",
    chords="I | I | IV:2 I:2 | I | I | I | IV:2 I:2 | V7:2 I:2 | V | IV:2 V:2 | IV | I | I | I"
    "| IV:2 I:2 | V7:2 I:2",
)

MOMIJI = Melody(
    title="紅葉 (Momiji)",
    composer="岡野貞一 Okano Teiichi (1878-1941)",
    year="1911",
    source="Jinjō shōgaku shōka for the second year, 1911.",
    mode="major",
    beats_per_bar=4,
    tempo_range=(60, 138),
    centre=65,
    notes="3 2/ 1/ 2 3 | 1:2 5, r | 1 7,/ 1/ 2 5 | 3 2/ 1/ 2 r"
    "| 3 2/ 1/ 2 3 | 1:2 5, r | 1 7,/ 1/ 2 5 | 3 2 1 r"
    "| 5 3/ 4/ 5 6 | 5:2 3 r | 5 6/ 5/ 3 2/ 1/ | 2 3 2 r"
    "| 5 6/ 5/ 3 2 | 1:2 5, r | 1 7,/ 1/ 3 2 | 1:3 r",
    chords="I | I | I:2 V:2 | I:2 V7:2 | I | I | I:2 V:2 | V7:2 I:2 | I | I | I:3 IV:1 | V7"
    "| I:2 V7:2 | I | I:2 V7:2 | I",
)

HOTARU_NO_HIKARI = Melody(
    title="蛍の光 (Hotaru no Hikari)",
    composer="traditional (Scotland, Auld Lang Syne)",
    year="1799",
    source="Thomson's Select Collection, 1799; in Japan Shōgaku shōka shū, 1881. Major pentatonic: "
    "no fourth, no seventh; it ends on and circles around its first degree.",
    mode="major",
    beats_per_bar=4,
    tempo_range=(60, 180),
    centre=65,
    pickup="5,",
    notes="1:1.5 1/ 1 3 | 2:1.5 1/ 2 3 | 1:1.5 1/ 3 5 | 6:3 6 | 5:1.5 3/ 3 1 | 2:1.5 1/ 2 3"
    "| 1:1.5 6,/ 6, 5, | 1:3 6 | 5:1.5 3/ 3 1 | 2:1.5 1/ 2 6 | 5:1.5 3/ 3 5 | 6:3 1'"
    "| 5:1.5 3/ 3 1 | 2:1.5 1/ 2 3 | 1:1.5 6,/ 6, 5, | 1:3 r",
    chords="I | V7 | I | IV | I | V7 | IV:2 V7:2 | I | I | V7 | I | IV | I | V7 | IV:2 V7:2 | I",
)

ODE_TO_JOY = Melody(
    title="Ode to Joy",
    composer="Ludwig van Beethoven (1770-1827)",
    year="1824",
    source="Symphony No. 9, fourth movement.",
    mode="major",
    beats_per_bar=4,
    tempo_range=(76, 180),
    centre=62,
    notes="3 3 4 5 | 5 4 3 2 | 1 1 2 3 | 3:1.5 2/ 2:2 | 3 3 4 5 | 5 4 3 2 | 1 1 2 3 | 2:1.5 1/ 1:2"
    "| 2 2 3 1 | 2 3/ 4/ 3 1 | 2 3/ 4/ 3 2 | 1 2 5,:2"
    "| 3 3 4 5 | 5 4 3 2 | 1 1 2 3 | 2:1.5 1/ 1:2",
    chords="I | V | I | I:2 V:2 | I | V | I | V7:2 I:2 | V | V:2 I:2 | V7 | vi:2 V:2"
    "| I | V | I | V7:2 I:2",
)

MINUET_IN_G = Melody(
    title="Minuet in G",
    composer="Christian Petzold (1677-1733)",
    year="before 1725",
    source="Notebook for Anna Magdalena Bach, 1725, BWV Anh. 114; first half.",
    mode="major",
    beats_per_bar=3,
    tempo_range=(84, 138),
    centre=67,
    notes="5 1/ 2/ 3/ 4/ | 5 1 1 | 6 4/ 5/ 6/ 7/ | 1' 1 1 | 4 5/ 4/ 3/ 2/ | 3 4/ 3/ 2/ 1/"
    "| 7, 1/ 2/ 3/ 1/ | 2:3"
    "| 5 1/ 2/ 3/ 4/ | 5 1 1 | 6 4/ 5/ 6/ 7/ | 1' 1 1 | 4 5/ 4/ 3/ 2/ | 3 4/ 3/ 2/ 1/"
    "| 2 3/ 2/ 1/ 7,/ | 1:3",
    chords="I | I | IV | I | IV | I | V | V | I | I | IV | I | IV | I | V7 | I",
)

GREENSLEEVES = Melody(
    title="Greensleeves",
    composer="traditional (England)",
    year="1580",
    source="Registered 1580; the usual version with raised sixth and seventh, in three-four.",
    mode="minor",
    beats_per_bar=3,
    tempo_range=(84, 132),
    centre=67,
    pickup="1",
    notes="3:2 4 | 5:1.5 #6/ 5 | 4:2 2 | 7,:1.5 1/ 2 | 3:2 1 | 1:1.5 #7,/ 1 | 2:2 #7, | 5,:2 1"
    "| 3:2 4 | 5:1.5 #6/ 5 | 4:2 2 | 7,:1.5 1/ 2 | 3:1.5 2/ 1 | #7,:1.5 #6,/ #7, | 1:3 | 1:2 r"
    "| 7:3 | 7:1.5 #6/ 5 | 4:2 2 | 7,:1.5 1/ 2 | 3:2 1 | 1:1.5 #7,/ 1 | 2:2 #7, | 5,:3"
    "| 7:3 | 7:1.5 #6/ 5 | 4:2 2 | 7,:1.5 1/ 2 | 3:1.5 2/ 1 | #7,:1.5 #6,/ #7, | 1:3 | 1:2 r",
    chords="i | i | VII | v | i | iv | V | V | i | i | VII | v | i | V7 | i | i"
    "| III | III | VII | v | i | iv | V | V | III | III | VII | v | i | V7 | i | i",
)

FOLIA = Melody(
    title="La Folia",
    composer="traditional (Iberia), after Arcangelo Corelli (1653-1713)",
    year="1700",
    source="Theme of Corelli's sonata op. 5 no. 12, plain; sarabande in three-four.",
    mode="minor",
    beats_per_bar=3,
    tempo_range=(60, 116),
    centre=67,
    notes="1 1:1.5 2/ | #7,:3 | 1 1:1.5 2/ | 2:3 | 3 3:1.5 4/ | 2:3 | 1 1:1.5 2/ | #7,:3"
    "| 1 1:1.5 2/ | #7,:3 | 1 1:1.5 2/ | 2:3 | 3 3:1.5 4/ | 2:3 | 1 2/ 1/ #7, | 1:3",
    chords="i | V | i | VII | III | VII | i | V | i | V | i | VII | III | VII | i:1 V7:2 | i",
)

KOROBEINIKI = Melody(
    title="Коробейники (Korobeiniki)",
    composer="traditional (Russia)",
    year="19th century",
    source="Folk tune to which Nekrasov's poem of 1861 is sung.",
    mode="minor",
    beats_per_bar=4,
    tempo_range=(108, 180),
    centre=67,
    notes="5 2/ 3/ 4 3/ 2/ | 1 1/ 3/ 5 4/ 3/ | 2:1.5 3/ 4 5 | 3 1 1:2"
    "| 4:1.5 6/ 1' 7/ 6/ | 5:1.5 3/ 5 4/ 3/ | 2 2/ 3/ 4 5 | 3 1 1:2"
    "| 5 2/ 3/ 4 3/ 2/ | 1 1/ 3/ 5 4/ 3/ | 2:1.5 3/ 4 5 | 3 1 1:2"
    "| 5:2 3:2 | 4:2 2:2 | 3:2 1:2 | #7,:2 2:2",
    chords="V7 | i | V7 | i | iv | i | V7 | i | V7 | i | V7 | i | i | V7 | i | V7",
)

GOD_REST_YE = Melody(
    title="God Rest Ye Merry, Gentlemen",
    composer="traditional (England)",
    year="1833",
    source="William Sandys, Christmas Carols Ancient and Modern, 1833 (tune older).",
    mode="minor",
    beats_per_bar=4,
    tempo_range=(88, 180),
    centre=64,
    pickup="1",
    notes="1 5 5 4 | 3 2 1 7, | 1 2 3 4 | 5:3 1 | 1 5 5 4 | 3 2 1 7, | 1 2 3 4 | 5:3 5"
    "| 6 4 5 6 | 7 1' 5 4 | 3 1 2 3 | 4:2 3 4 | 5:2 6 5 | 5 4 3 2 | 1:2 3/ 2/ 1 | 4:2 3 4"
    "| 5 6 7 1' | 5 4 3 2 | 1:4 | 1:3 r",
    chords="i | i | VI:2 iv:2 | V | i | i | VI:2 iv:2 | V | iv | i | i | iv | i | i:2 V:2 | i | iv"
    "| i | i:2 V7:2 | i | i",
)

TUNES: tuple[Melody, ...] = (
    SAKURA,
    KOJO_NO_TSUKI,
    HANA,
    FURUSATO,
    OBOROZUKIYO,
    HARU_NO_OGAWA,
    MOMIJI,
    HOTARU_NO_HIKARI,
    ODE_TO_JOY,
    MINUET_IN_G,
    GREENSLEEVES,
    FOLIA,
    KOROBEINIKI,
    GOD_REST_YE,
)
