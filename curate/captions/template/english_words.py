"""Wordings of English captions, and what English must know of the vocabulary's words.

Only words of speed for tempo, and no word that names an instrument, a genre or a mood. Clauses
begin in lower case; `{s}` is the subject (`it`, `the track`), `{a_word}` is `{word}` with its
article.
"""

import re

NOTHING = (
    *("A music track.", "This is a music track.", "Music track.", "This music track."),
    *("A piece of music.", "This is a piece of music.", "Piece of music.", "A musical piece."),
    *("This is a musical piece.", "Music.", "This is music.", "Some music.", "Music is playing."),
    *("A recording of music.", "This is a recording of music.", "A music recording."),
    *("This is a music recording.", "A musical recording.", "There is music.", "Music is heard."),
    *("You can hear music.", "This is some music.", "A stretch of music.", "Music can be heard."),
)
"""Of a clip of which nothing is known; as many as there may be variants, and more."""

MOOD_NOUNS = frozenset({"Christmas", "party"})
"""Moods that stand before a noun only: `a party mood`, never `it sounds party`."""

MOOD_ADJECTIVES = frozenset(
    "action-packed adventurous aggressive atmospheric bittersweet bright calm childlike cinematic "
    "cool dark deep dramatic dreamy emotional energetic epic festive fun funny gentle groovy happy "
    "heavy hopeful inspiring meditative melancholic melodic motivational mysterious nostalgic "
    "peaceful playful positive powerful quiet relaxing retro romantic sad sensual soft spacey "
    "summery tense upbeat uplifting".split()
)

PLURAL = frozenset(
    "bagpipes,beats,bells,bongos,congas,drums,handclaps,samples,strings,synth pads,taiko drums,"
    "timpani,turntables,vocals,backing vocals,female vocals,male vocals".split(",")
)

MASS = frozenset("bass,brass,percussion,synth bass,tabla".split(","))

COUNTED = frozenset(
    "French horn,Hammond organ,Rhodes piano,accordion,acoustic bass guitar,acoustic guitar,"
    "alto saxophone,banjo,bass guitar,bassoon,biwa,celesta,cello,choir,clarinet,classical guitar,"
    "double bass,drum machine,electric guitar,electric piano,erhu,flute,glockenspiel,guitar,"
    "guzheng,harmonica,harp,harpsichord,horn,kalimba,keyboard,koto,mandolin,marimba,mellotron,"
    "music box,oboe,orchestra,organ,piano,pipe organ,saxophone,shakuhachi,shamisen,shinobue,sitar,"
    "slide guitar,steel guitar,synthesizer,tambourine,tenor saxophone,theremin,tin whistle,"
    "trombone,trumpet,tuba,ukulele,vibraphone,viola,violin,vocoder,xylophone".split(",")
)
"""Instruments with an article; what is in none of these sets is a free tag and has none."""

CLASHES = frozenset(
    "atmospheric black metal,cool jazz,dark ambient,deep house,deep techno,happy hardcore,"
    "heavy metal,instrumental hip hop,instrumental pop,instrumental rock,melodic death metal,"
    "melodic hardcore,soft rock,funk and soul,bass music,beat music".split(",")
)
"""Genres that other words beside a genre would make: not every dark piece of ambient music is dark
ambient, and Miami bass music is no bass music."""

ALONE = re.compile(
    r"(?:\b|-)(?:ambient|bass|blues|bop|breaks|disco|downtempo|dub|dubstep|EDM|electronica|folk|funk"
    r"|fusion|gospel|grunge|hip hop|house|IDM|jazz|jungle|lo-fi|metal|music|nova|pop|punk|R&B|rap"
    r"|reggae|rock|salsa|samba|shoegaze|ska|soul|swing|techno|trance|trap|trip hop)$"
    r"|(?:(?<! s)core|pop|wave)$"
)
"""Genres that stand without another noun: `calm city pop with piano`."""

TEMPO = (
    (60, ("very slow",)),
    (80, ("slow",)),
    (112, ("moderate", "medium")),
    (132, ("fairly fast", "fairly quick")),
    (168, ("fast", "quick")),
    (10**9, ("very fast",)),
)
"""Upper bound in BPM and the words below it."""

ABOUT = ("about ", "around ", "")

PACE: tuple[str, ...] = (
    "the tempo is {word}, {about}{bpm} BPM",
    "the tempo is {word} at {about}{bpm} BPM",
    "{s} moves at {a_word} tempo of {about}{bpm} BPM",
    "{s} plays at {about}{bpm} BPM, {a_word} pace",
    "{s} has {a_word} tempo of {about}{bpm} BPM",
    "{s} goes along at {a_word} {bpm} BPM",
    "the pace is {word}, at {about}{bpm} BPM",
    "at {bpm} BPM, the tempo is {word}",
    "{s} keeps {a_word} tempo of {about}{bpm} BPM",
)

PACE_TAILS = (
    " at {a_word} tempo of {about}{bpm} BPM",
    " at {a_word} {bpm} BPM",
)

KEY = (
    "{s} is in {key}",
    "the key is {key}",
    "{s} is played in {key}",
    "{s} is in the key of {key}",
    "{s} is written in {key}",
)

PACE_KEY: tuple[str, ...] = (
    "{s} is in {key}, at {a_word} tempo of {about}{bpm} BPM",
    "{s} moves at {a_word} tempo of {about}{bpm} BPM in {key}",
    "the tempo is {word} at {about}{bpm} BPM, and the key is {key}",
    "the key is {key} and the tempo is {word}, {about}{bpm} BPM",
    "{s} is in {key} and plays at {a_word} {bpm} BPM",
    "played in {key}, {s} has {a_word} tempo of {about}{bpm} BPM",
    "{s} is in the key of {key}, at {a_word} {bpm} BPM",
    "{s} has {a_word} tempo of {about}{bpm} BPM and is in {key}",
)

HEARD: tuple[str, ...] = (
    "{s} features {list}",
    "you can hear {list}",
    "{list} can be heard",
    "there {is} {list}",
    "{s} includes {list}",
    "{list} {is} heard",
)

PLAYED: tuple[str, ...] = (
    "{list} {is} playing",
    "the instrumentation includes {list}",
    "the arrangement features {list}",
)
"""Of instruments, not of voices."""

OVER = (
    "{voices} {is} heard over {list}",
    "{voices} can be heard over {list}",
    "over {list}, you can hear {voices}",
    "{s} has {voices} over {list}",
)

MOOD: tuple[str, ...] = (
    "the mood is {moods}",
    "{s} sounds {moods}",
    "{s} feels {moods}",
    "the feel is {moods}",
    "the overall mood is {moods}",
)

MOOD_NOUN: tuple[str, ...] = (
    "{s} has {a_moods} mood",
    "{s} has {a_moods} feel",
    "{s} has {a_moods} feel to it",
    "there is {a_moods} mood to it",
    "{s} carries {a_moods} mood",
)

TRAITS = {
    "steady": (
        "the dynamics are even",
        "the volume stays steady",
        "the loudness hardly changes",
        "there is little change in volume",
        "the dynamics stay even throughout",
    ),
    "wide": (
        "the dynamics vary widely",
        "the volume rises and falls",
        "{s} has wide dynamics",
        "the loudness changes a lot",
        "there is a wide range of volume",
    ),
    "sparse": (
        "the rhythm is sparse",
        "there are few notes",
        "the arrangement is sparse",
        "there is space between the notes",
    ),
    "dense": (
        "the rhythm is dense",
        "the rhythm is busy",
        "many notes follow each other closely",
        "there are many notes",
        "the arrangement is busy",
    ),
    "danceable": (
        "{s} is danceable",
        "{s} is good for dancing",
        "the rhythm is danceable",
        "{s} invites dancing",
    ),
    "sung": ("{s} has vocals", "there is singing", "vocals can be heard", "{s} has singing"),
    "unsung": (
        "{s} is instrumental",
        "there are no vocals",
        "there is no singing",
        "{s} has no vocals",
        "no vocals are heard",
    ),
}

TAGS = {
    "steady": ("steady dynamics", "even dynamics", "steady volume"),
    "wide": ("wide dynamics", "varying volume"),
    "sparse": ("sparse rhythm", "sparse arrangement"),
    "dense": ("dense rhythm", "busy rhythm"),
    "danceable": ("danceable",),
    "sung": ("vocals", "with vocals", "singing"),
    "unsung": ("instrumental", "no vocals", "without vocals"),
}
"""The same without a sentence."""
