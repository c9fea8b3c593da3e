"""Captions that are fine for their facts: in the register of MusicCaps and of language models."""

from curate.records import Facts

HOUSE = Facts(
    genres=("deep house", "electronic"),
    moods=("relaxing",),
    instruments=("synthesizer", "drum machine", "bass"),
    bpm=122,
    key="F# minor",
)
ROCK = Facts(
    genres=("indie rock",),
    moods=("energetic", "happy"),
    instruments=("electric guitar", "bass guitar", "drums"),
    sung=True,
    bpm=142,
    key="D major",
    decade=2000,
)
PIANO = Facts(
    genres=("modern classical",),
    moods=("melancholic", "calm"),
    instruments=("piano", "violin"),
    sung=False,
    bpm=64,
    key="A minor",
)
JAZZ = Facts(
    genres=("bebop",),
    instruments=("tenor saxophone", "double bass", "piano", "drums"),
    sung=False,
    bpm=208,
    key="Bb major",
    decade=1950,
)
RAP = Facts(
    genres=("boom bap", "hip hop"),
    moods=("dark",),
    instruments=("beats", "samples"),
    sung=True,
    bpm=88,
    decade=1990,
)
AMBIENT = Facts(
    genres=("ambient",),
    moods=("dreamy", "meditative"),
    instruments=("synth pads",),
    sung=False,
    dynamics="steady",
    density="sparse",
)
FOLK = Facts(
    genres=("folk",),
    moods=("gentle", "nostalgic"),
    instruments=("acoustic guitar", "female vocals"),
    sung=True,
    bpm=96,
    key="G major",
)
SYNTH = Facts(
    genres=("synth-pop",),
    moods=("dreamy", "upbeat"),
    instruments=("synthesizer", "drum machine"),
    sung=True,
    bpm=118,
    key="C# minor",
    decade=1980,
)
METAL = Facts(
    genres=("thrash metal",),
    moods=("aggressive",),
    instruments=("electric guitar", "drums", "male vocals"),
    sung=True,
    bpm=190,
    key="E minor",
)
FILM = Facts(
    genres=("film score",),
    moods=("epic", "dramatic"),
    instruments=("orchestra", "choir", "timpani"),
    bpm=100,
    key="D minor",
    dynamics="wide",
)
SOUL = Facts(
    genres=("soul", "R&B"),
    moods=("romantic",),
    instruments=("electric piano", "bass", "drums"),
    sung=True,
    bpm=72,
    key="Eb major",
)
DNB = Facts(genres=("drum and bass",), moods=("dark",), bpm=174, sung=None)
COUNTRY = Facts(
    genres=("country",),
    moods=("happy",),
    instruments=("banjo", "violin", "acoustic guitar"),
    sung=True,
    bpm=110,
    key="A major",
)
KOTO = Facts(
    genres=("Japanese folk",),
    moods=("peaceful",),
    instruments=("koto", "shakuhachi"),
    sung=False,
)
BARE = Facts()
BLUES = Facts(
    genres=("Chicago blues",),
    instruments=("electric guitar", "harmonica"),
    sung=True,
    bpm=76,
    key="E major",
)
REGGAE = Facts(genres=("reggae", "dub"), instruments=("bass", "organ"), bpm=75, danceable=True)
LOFI = Facts(
    genres=("lo-fi hip hop",),
    moods=("relaxing",),
    instruments=("piano", "drums"),
    sung=False,
    bpm=80,
)
LATIN = Facts(
    genres=("salsa",),
    moods=("party",),
    instruments=("trumpet", "trombone", "congas", "piano"),
    sung=True,
    bpm=180,
)
TRAILER = Facts(moods=("tense",), instruments=("strings", "percussion"), sung=False, bpm=130)

GOOD: tuple[tuple[Facts, str], ...] = (
    (
        HOUSE,
        "A relaxing deep house track built on warm synths, a rolling bassline and a steady drum "
        "machine groove at around 122 BPM in F# minor.",
    ),
    (
        HOUSE,
        "Smooth deep house with lush synthesizer pads, punchy electronic beats and a deep bass "
        "that locks in with the kick. The tempo is 122 beats per minute.",
    ),
    (
        HOUSE,
        "An electronic house tune in F sharp minor, with laid-back synth chords over a "
        "four-on-the-floor beat.",
    ),
    (HOUSE, "deep house, electronic, relaxing, synthesizer, drum machine, bass, 122 BPM, F# minor"),
    (
        HOUSE,
        "This dance track plays at a lively 120-125 BPM in G-flat minor. Airy synths drift above "
        "the bass.",
    ),
    (
        HOUSE,
        "Mid-tempo house music whose mood is calm, with crisp programmed drums and a bass line.",
    ),
    (
        ROCK,
        "An energetic indie rock song with jangly electric guitars, a driving bass guitar and "
        "pounding drums. The vocals are bright and the tempo is fast, around 142 BPM.",
    ),
    (
        ROCK,
        "A happy, fast-paced indie track in D major: guitar riffs, bass and drums back the lead "
        "singer.",
    ),
    (ROCK, "Upbeat guitar rock from the 2000s with a catchy chorus."),
    (
        ROCK,
        "This 2000s indie rock recording features overdriven guitars and a tight rhythm section, "
        "with a joyful vocal melody on top.",
    ),
    (
        ROCK,
        "The song is in D major and moves at a quick 142 BPM. Distorted guitars, cymbals and a "
        "melodic bassline carry the vocal hook.",
    ),
    (
        ROCK,
        "Alternative rock with cheerful vocals, snappy snare hits and strummed electric guitar.",
    ),
    (
        PIANO,
        "A melancholic piano piece with a soft violin melody. It is slow, about 64 BPM, in A "
        "minor, and instrumental.",
    ),
    (
        PIANO,
        "A calm, sad composition for piano and violin. The strings answer the keys in a minor "
        "key. There are no vocals.",
    ),
    (
        PIANO,
        "Modern classical instrumental at a slow tempo: a pianist plays sparse chords while a "
        "violinist sustains long notes.",
    ),
    (
        PIANO,
        "Slow and sombre, this neoclassical piece in A minor features piano and strings without "
        "any vocals.",
    ),
    (
        PIANO,
        "The gentle grand piano sets a serene tone; a plaintive violin plays a minor role at "
        "first and then takes the lead.",
    ),
    (
        PIANO,
        "An instrumental classical piece. Piano arpeggios in A minor are joined by a lyrical, "
        "singing violin.",
    ),
    (PIANO, "A quiet, peaceful track of piano and violin with no singing, at an unhurried 64 BPM."),
    (
        JAZZ,
        "A very fast bebop tune with a blazing tenor sax, walking bass, piano comping and "
        "brushed drums, in B flat major.",
    ),
    (
        JAZZ,
        "A 1950s jazz recording. The saxophone solo races over upright bass and ride cymbal at "
        "208 BPM.",
    ),
    (
        JAZZ,
        "Instrumental jazz quartet from the fifties: saxophone, piano, double bass and drums at "
        "a frantic tempo.",
    ),
    (JAZZ, "Fast bop in A# major with jazzy chords from the pianist and a busy drummer."),
    (RAP, "A dark boom bap beat with dusty samples and a rapper spitting verses at 88 BPM."),
    (RAP, "90s hip hop with hard-hitting drums, sampled loops and rap vocals. The mood is gloomy."),
    (
        RAP,
        "Hip-hop from the 1990s with a slow, head-nodding beat of 88 beats per minute; rapping "
        "over ominous samples.",
    ),
    (
        AMBIENT,
        "A dreamy ambient soundscape of slowly evolving synth pads. The dynamics stay even and "
        "there are no vocals.",
    ),
    (
        AMBIENT,
        "Meditative ambient music with ethereal pads, long reverb tails and plenty of space.",
    ),
    (AMBIENT, "Spacious, atmospheric pads float slowly, creating a contemplative, dreamlike mood."),
    (
        AMBIENT,
        "Instrumental electronic ambient drone with soft synthesizer textures and a peaceful feel.",
    ),
    (AMBIENT, "ambient, dreamy, meditative, synth pads, instrumental"),
    (
        FOLK,
        "A gentle folk song with fingerpicked acoustic guitar and a tender female voice, in G "
        "major at 96 BPM.",
    ),
    (FOLK, "Nostalgic acoustic folk: a woman sings over strummed guitar at a moderate pace."),
    (FOLK, "The female singer's soft vocals are backed by acoustic guitar. The key is G major."),
    (FOLK, "A wistful folk tune with warm guitar strumming and intimate female vocals."),
    (
        SYNTH,
        "A dreamy 80s synth-pop track with shimmering synths, a drum machine and reverb-soaked "
        "vocals at 118 BPM in C-sharp minor.",
    ),
    (
        SYNTH,
        "Upbeat electronic pop with pulsing synthesizers, gated electronic drums and a catchy "
        "vocal line, in D flat minor.",
    ),
    (
        SYNTH,
        "Eighties synthpop with a dreamlike mood. Analog synth arpeggios ride on programmed "
        "drums and the singer's voice floats above.",
    ),
    (SYNTH, "This 1980s new wave pop song has bright synths, an upbeat tempo and echoing vocals."),
    (
        METAL,
        "Aggressive thrash metal with rapid palm-muted guitar riffs, double kick drums and "
        "angry male vocals at 190 BPM.",
    ),
    (
        METAL,
        "A furious metal track in E minor: distorted electric guitars, blasting drums and a man "
        "screaming.",
    ),
    (
        METAL,
        "Very fast, heavy thrash with a male singer, shredding guitar solos and crashing cymbals.",
    ),
    (
        FILM,
        "An epic orchestral film score with powerful choir, thundering timpani and dramatic "
        "swells in D minor.",
    ),
    (
        FILM,
        "Cinematic orchestra and choir build from a whisper to a roar. The dynamics vary widely.",
    ),
    (
        FILM,
        "Dramatic symphonic music with sweeping strings, bold brass and kettle drums at a "
        "moderate 100 BPM.",
    ),
    (FILM, "A majestic movie score: choral voices over a full orchestra in a minor key."),
    (
        SOUL,
        "A slow, romantic soul song with Rhodes-like electric piano, smooth bass and soft "
        "drums; the vocals are intimate.",
    ),
    (SOUL, "Smooth R&B at 72 BPM in E flat major, with electric piano chords and sultry vocals."),
    (SOUL, "A soulful groove of mellow keys, round bass and brushed drums carries a love song."),
    (DNB, "Dark drum and bass with rattling breakbeats and a rolling sub-bass at 174 BPM."),
    (DNB, "A fast drum 'n' bass track with a sinister edge, around 175 BPM."),
    (DNB, "DnB at 174 bpm, dark and relentless."),
    (COUNTRY, "A happy country song with banjo, fiddle and acoustic guitar, sung in A major."),
    (
        COUNTRY,
        "Cheerful country tune at 110 BPM; banjo rolls and violin lines dance around the vocals.",
    ),
    (COUNTRY, "An acoustic country track with plucked banjo, strummed guitar and upbeat singing."),
    (KOTO, "A peaceful Japanese folk piece for koto and shakuhachi, without vocals."),
    (KOTO, "Traditional Japanese music: the flute breathes over plucked koto."),
    (KOTO, "Tranquil and instrumental, with koto and a bamboo flute."),
    (BARE, "A short piece of recorded music with a clear sound."),
    (BARE, "A richly layered track with a steady groove."),
    (BARE, "A piece of music with a major shift in texture halfway through."),
    (BARE, "The music plays a key role here, in a warm and spacious mix."),
    (BARE, "House lights dim as the piece opens, then it marches on with heart and soul."),
    (
        BLUES,
        "A slow Chicago blues song with electric guitar licks, wailing harmonica and vocals in "
        "E major.",
    ),
    (BLUES, "Bluesy guitar bends and harmonica answer the singer at around 76 BPM."),
    (BLUES, "Gritty blues with electric guitars and a mouth harp, sung with feeling."),
    (REGGAE, "A slow reggae groove with deep bass and bubbling organ, danceable and warm."),
    (REGGAE, "Dub reggae at 75 BPM: heavy bass, organ stabs and echoes."),
    (REGGAE, "A sunlit reggae rhythm with organ skank and a bassline made for dancing."),
    (LOFI, "A relaxing lo-fi hip hop instrumental with mellow piano and dusty drums at 80 BPM."),
    (LOFI, "Chill lofi beats with soft piano chords, vinyl crackle and no vocals."),
    (LOFI, "Lo-fi hip-hop, piano loops and laid-back drums, slow and warm."),
    (
        LATIN,
        "A fast salsa party tune with bright trumpets and trombones, congas and piano montuno; "
        "the singer leads.",
    ),
    (
        LATIN,
        "Lively Latin music with a horn section, conga drums and call-and-response vocals at 180 "
        "BPM.",
    ),
    (LATIN, "Salsa with brass hits, hand drums, percussion and piano, fun and full of energy."),
    (
        TRAILER,
        "A tense instrumental piece with pulsing strings and hammering percussion at 130 BPM.",
    ),
    (TRAILER, "Suspenseful string ostinatos over a fast beat, dark in tone, with no vocals."),
    (TRAILER, "Low strings and percussive hits build tension."),
    (
        TRAILER,
        "Uneasy and dramatic, this fast-paced track layers a string section over percussion.",
    ),
    (PIANO, "The recording captures a solo piano joined by one violin, recorded close and dry."),
    (HOUSE, "The track moves through layered synths and a bouncy bass."),
    (ROCK, "A loud, fun song; guitars, bass, drums and singing, in D."),
    (FOLK, "A folk song at a medium tempo, with a soothing female vocal and acoustic guitar."),
    (AMBIENT, "Sparse, shimmering pads with a celestial quality and a calm mood."),
    (SYNTH, "The beat is steady, the synths glisten, and the voice is drenched in echo."),
    (
        Facts(genres=("classical",), instruments=("classical guitar",), sung=False),
        "A classical guitar piece with nylon-string warmth, played solo. It is instrumental.",
    ),
    (
        Facts(genres=("instrumental hip hop",), bpm=90),
        "Instrumental hip hop with swinging beats at 90 BPM.",
    ),
    (
        Facts(genres=("orchestral",), moods=("festive",), instruments=("bells", "brass")),
        "Festive orchestral music with sleigh-like bells and a brass section.",
    ),
    (
        Facts(genres=("80s", "pop"), sung=True),
        "An 80s pop song with big vocals and a glossy sound.",
    ),
    (Facts(instruments=("organ",), key="C major"), "An organ plays long chords in C."),
    (Facts(instruments=("French horn", "cello")), "A French horn and a cello share the melody."),
)

MORE: tuple[tuple[Facts, tuple[str, ...]], ...] = (
    (
        Facts(
            genres=("house", "electronic"),
            moods=("energetic",),
            instruments=("synthesizer", "drum machine"),
            sung=False,
            bpm=126,
            key="G minor",
            danceable=True,
        ),
        (
            "Pulsating synthesizers and a relentless drum machine propel this energetic "
            "house track forward at 126 BPM, its G minor tonality lending a subtle edge to "
            "the dancefloor-ready groove.",
            "A high-energy electronic workout: crisp hi-hats, a thumping kick and swirling "
            "synth stabs interlock at a brisk 126 BPM, with no vocals to distract from the "
            "rhythm.",
            "Driving instrumental house built for dancing, where layered synth lines rise "
            "and fall over a steady electronic beat in G minor.",
        ),
    ),
    (
        Facts(
            genres=("jazz", "swing"),
            moods=("happy",),
            instruments=("trumpet", "piano", "double bass", "drums"),
            bpm=160,
            key="F major",
            decade=1940,
        ),
        (
            "A cheerful 1940s swing number with bright trumpet lines dancing over walking "
            "double bass, nimble piano and crisp drums at a lively 160 BPM.",
            "Straight out of the 40s, this jazz piece swings along in F major, its trumpet "
            "trading phrases with a bouncy piano while the upright bass and brushed drums "
            "keep the pace brisk.",
            "Joyful and fast, the tune features a brassy trumpet lead, rollicking piano "
            "chords, and a rhythm section of double bass and drums in full swing.",
        ),
    ),
    (
        Facts(
            genres=("ambient", "drone"),
            moods=("dark", "mysterious"),
            instruments=("synth pads", "cello"),
            sung=False,
            key="D minor",
        ),
        (
            "Dark, mysterious synth pads stretch endlessly beneath a brooding cello, forming "
            "an ambient drone in D minor that never fully resolves.",
            "An enigmatic soundscape of layered pads and bowed cello tones slowly unfolds, "
            "instrumental and shadowy throughout.",
        ),
    ),
    (
        Facts(
            genres=("pop",),
            moods=("romantic", "soft"),
            instruments=("piano", "strings", "female vocals"),
            sung=True,
            bpm=70,
            key="C major",
        ),
        (
            "A tender pop song in C major where a female vocalist sings over soft piano and "
            "sweeping strings at a slow 70 BPM.",
            "Delicate piano chords and lush string arrangements cradle an intimate female "
            "vocal performance in this slow, romantic piece.",
            "Soft and heartfelt, the track pairs a woman's voice with piano and strings, "
            "unfolding at an unhurried pace.",
        ),
    ),
    (
        Facts(
            genres=("heavy metal", "rock"),
            moods=("powerful", "aggressive"),
            instruments=("electric guitar", "bass guitar", "drums"),
            sung=True,
            bpm=150,
            key="E minor",
        ),
        (
            "Crushing electric guitar riffs, a rumbling bass guitar and thunderous drums "
            "drive this aggressive heavy metal song at a fast 150 BPM beneath powerful "
            "vocals.",
            "Heavily distorted guitars chug in E minor while pounding drums and bass lay "
            "down a ferocious foundation for soaring vocals.",
            "An all-out metal assault: shredding guitar solos, galloping bass lines, "
            "double-kick drumming and fierce singing at breakneck speed.",
        ),
    ),
    (
        Facts(
            genres=("reggae",),
            moods=("relaxing", "summery"),
            instruments=("guitar", "bass", "organ", "drums"),
            sung=True,
            bpm=78,
            key="A major",
        ),
        (
            "A laid-back reggae tune with offbeat guitar skanks, a deep bassline, bubbling "
            "organ and easygoing drums, sung over a relaxed 78 BPM groove in A major.",
            "Sunny and soothing, this reggae track floats on warm organ chords and a heavy "
            "bass, with mellow vocals gliding across the top.",
            "The slow, swaying rhythm of drums and bass underpins choppy guitar upstrokes "
            "and gentle organ swells, evoking a warm summer afternoon.",
        ),
    ),
    (
        Facts(
            genres=("hip hop",),
            moods=("cool",),
            instruments=("beats", "bass", "samples"),
            sung=True,
            bpm=92,
            decade=1990,
        ),
        (
            "A cool 1990s hip hop track with head-nodding beats, a fat bassline and chopped "
            "samples supporting a confident rap at 92 BPM.",
            "Old-school hip-hop grooves meet dusty samples and thick bass, as the rapper "
            "rides the mid-tempo beat with effortless swagger.",
            "From the 90s comes this smooth hip hop cut: snappy drums, looped samples and "
            "laid-back vocal flow.",
        ),
    ),
    (
        Facts(
            genres=("classical", "orchestral"),
            moods=("epic", "dramatic"),
            instruments=("orchestra", "violin", "timpani"),
            sung=False,
            bpm=108,
            dynamics="wide",
        ),
        (
            "A sweeping orchestral work in which soaring violins and rolling timpani build "
            "towards a dramatic climax, its dynamics shifting from hushed whispers to epic "
            "swells.",
            "Grand classical music for full orchestra: surging strings, bold brass fanfares "
            "and thunderous timpani at a moderate tempo.",
            "The orchestra moves between quiet and loud passages, with a solo violin weaving "
            "through the drama before an epic, majestic finale.",
        ),
    ),
    (
        Facts(
            genres=("country", "folk"),
            moods=("nostalgic",),
            instruments=("acoustic guitar", "banjo", "harmonica", "male vocals"),
            sung=True,
            bpm=102,
            key="D major",
        ),
        (
            "Nostalgic country-folk with fingerpicked acoustic guitar, rolling banjo and a "
            "wistful harmonica behind a weathered male voice in D major.",
            "A male singer tells a bittersweet tale over strummed acoustic guitar, twangy "
            "banjo and lonesome harmonica at 102 BPM.",
            "Rustic and warm, the song blends folk and country traditions, its banjo and "
            "harmonica trading licks between verses sung by a man.",
        ),
    ),
    (
        Facts(
            genres=("bossa nova",),
            moods=("calm", "romantic"),
            instruments=("classical guitar", "flute", "percussion"),
            bpm=120,
        ),
        (
            "A calm bossa nova with nylon-string guitar, airy flute and gentle percussion "
            "swaying at 120 BPM.",
            "Smooth Brazilian rhythms and intimate guitar voicings set a tranquil, romantic mood.",
        ),
    ),
    (
        Facts(
            genres=("synthwave",),
            moods=("retro", "nostalgic"),
            instruments=("synthesizer", "drum machine", "electric guitar"),
            sung=False,
            bpm=100,
            key="B minor",
            decade=2010,
        ),
        (
            "A nostalgic synthwave cruise with shimmering analog synths, gated drum machine "
            "hits and a soaring electric guitar lead at 100 BPM in B minor.",
            "Neon-lit and retro, this instrumental layers arpeggiated synthesizers over "
            "punchy electronic drums while a guitar solo cuts through.",
            "Retro-futuristic synth pads glow above a steady mid-tempo drum machine pulse.",
        ),
    ),
    (
        Facts(
            genres=("funk", "disco"),
            moods=("party", "groovy"),
            instruments=("bass", "electric guitar", "brass", "drums", "vocals"),
            sung=True,
            bpm=114,
            decade=1970,
            danceable=True,
        ),
        (
            "A groovy 70s disco-funk party track with slapped bass, wah-wah guitar, punchy "
            "brass stabs and tight drums under exuberant vocals at 114 BPM.",
            "Irresistibly danceable, this funky number rides a rubbery bassline and "
            "chicken-scratch guitar, with horns punctuating every chorus.",
            "Four-on-the-floor drums, syncopated guitar and blaring horns fuel a 1970s disco "
            "celebration with joyous singing.",
        ),
    ),
)
"""Several captions of the same facts, written before the check was run on them."""
