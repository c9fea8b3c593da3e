"""The classes of Essentia's models in the order of their official `.json` files.

Names only: https://essentia.upf.edu/models.html
"""

_STYLES = {
    "Blues": """
        Boogie Woogie; Chicago Blues; Country Blues; Delta Blues; Electric Blues; Harmonica
        Blues; Jump Blues; Louisiana Blues; Modern Electric Blues; Piano Blues; Rhythm &
        Blues; Texas Blues
    """,
    "Brass & Military": """
        Brass Band; Marches; Military
    """,
    "Children's": """
        Educational; Nursery Rhymes; Story
    """,
    "Classical": """
        Baroque; Choral; Classical; Contemporary; Impressionist; Medieval; Modern;
        Neo-Classical; Neo-Romantic; Opera; Post-Modern; Renaissance; Romantic
    """,
    "Electronic": """
        Abstract; Acid; Acid House; Acid Jazz; Ambient; Bassline; Beatdown; Berlin-School;
        Big Beat; Bleep; Breakbeat; Breakcore; Breaks; Broken Beat; Chillwave; Chiptune;
        Dance-pop; Dark Ambient; Darkwave; Deep House; Deep Techno; Disco; Disco Polo; Donk;
        Downtempo; Drone; Drum n Bass; Dub; Dub Techno; Dubstep; Dungeon Synth; EBM;
        Electro; Electro House; Electroclash; Euro House; Euro-Disco; Eurobeat; Eurodance;
        Experimental; Freestyle; Future Jazz; Gabber; Garage House; Ghetto; Ghetto House;
        Glitch; Goa Trance; Grime; Halftime; Hands Up; Happy Hardcore; Hard House; Hard
        Techno; Hard Trance; Hardcore; Hardstyle; Hi NRG; Hip Hop; Hip-House; House; IDM;
        Illbient; Industrial; Italo House; Italo-Disco; Italodance; Jazzdance; Juke;
        Jumpstyle; Jungle; Latin; Leftfield; Makina; Minimal; Minimal Techno; Modern
        Classical; Musique Concrète; Neofolk; New Age; New Beat; New Wave; Noise; Nu-Disco;
        Power Electronics; Progressive Breaks; Progressive House; Progressive Trance;
        Psy-Trance; Rhythmic Noise; Schranz; Sound Collage; Speed Garage; Speedcore;
        Synth-pop; Synthwave; Tech House; Tech Trance; Techno; Trance; Tribal; Tribal House;
        Trip Hop; Tropical House; UK Garage; Vaporwave
    """,
    "Folk, World, & Country": """
        African; Bluegrass; Cajun; Canzone Napoletana; Catalan Music; Celtic; Country; Fado;
        Flamenco; Folk; Gospel; Highlife; Hillbilly; Hindustani; Honky Tonk; Indian
        Classical; Laïkó; Nordic; Pacific; Polka; Raï; Romani; Soukous; Séga; Volksmusik;
        Zouk; Éntekhno
    """,
    "Funk / Soul": """
        Afrobeat; Boogie; Contemporary R&B; Disco; Free Funk; Funk; Gospel; Neo Soul; New
        Jack Swing; P.Funk; Psychedelic; Rhythm & Blues; Soul; Swingbeat; UK Street Soul
    """,
    "Hip Hop": """
        Bass Music; Boom Bap; Bounce; Britcore; Cloud Rap; Conscious; Crunk; Cut-up/DJ; DJ
        Battle Tool; Electro; G-Funk; Gangsta; Grime; Hardcore Hip-Hop; Horrorcore;
        Instrumental; Jazzy Hip-Hop; Miami Bass; Pop Rap; Ragga HipHop; RnB/Swing; Screw;
        Thug Rap; Trap; Trip Hop; Turntablism
    """,
    "Jazz": """
        Afro-Cuban Jazz; Afrobeat; Avant-garde Jazz; Big Band; Bop; Bossa Nova; Contemporary
        Jazz; Cool Jazz; Dixieland; Easy Listening; Free Improvisation; Free Jazz; Fusion;
        Gypsy Jazz; Hard Bop; Jazz-Funk; Jazz-Rock; Latin Jazz; Modal; Post Bop; Ragtime;
        Smooth Jazz; Soul-Jazz; Space-Age; Swing
    """,
    "Latin": """
        Afro-Cuban; Baião; Batucada; Beguine; Bolero; Boogaloo; Bossanova; Cha-Cha;
        Charanga; Compas; Cubano; Cumbia; Descarga; Forró; Guaguancó; Guajira; Guaracha;
        MPB; Mambo; Mariachi; Merengue; Norteño; Nueva Cancion; Pachanga; Porro; Ranchera;
        Reggaeton; Rumba; Salsa; Samba; Son; Son Montuno; Tango; Tejano; Vallenato
    """,
    "Non-Music": """
        Audiobook; Comedy; Dialogue; Education; Field Recording; Interview; Monolog; Poetry;
        Political; Promotional; Radioplay; Religious; Spoken Word
    """,
    "Pop": """
        Ballad; Bollywood; Bubblegum; Chanson; City Pop; Europop; Indie Pop; J-pop; K-pop;
        Kayōkyoku; Light Music; Music Hall; Novelty; Parody; Schlager; Vocal
    """,
    "Reggae": """
        Calypso; Dancehall; Dub; Lovers Rock; Ragga; Reggae; Reggae-Pop; Rocksteady; Roots
        Reggae; Ska; Soca
    """,
    "Rock": """
        AOR; Acid Rock; Acoustic; Alternative Rock; Arena Rock; Art Rock; Atmospheric Black
        Metal; Avantgarde; Beat; Black Metal; Blues Rock; Brit Pop; Classic Rock; Coldwave;
        Country Rock; Crust; Death Metal; Deathcore; Deathrock; Depressive Black Metal; Doo
        Wop; Doom Metal; Dream Pop; Emo; Ethereal; Experimental; Folk Metal; Folk Rock;
        Funeral Doom Metal; Funk Metal; Garage Rock; Glam; Goregrind; Goth Rock; Gothic
        Metal; Grindcore; Grunge; Hard Rock; Hardcore; Heavy Metal; Indie Rock; Industrial;
        Krautrock; Lo-Fi; Lounge; Math Rock; Melodic Death Metal; Melodic Hardcore;
        Metalcore; Mod; Neofolk; New Wave; No Wave; Noise; Noisecore; Nu Metal; Oi; Parody;
        Pop Punk; Pop Rock; Pornogrind; Post Rock; Post-Hardcore; Post-Metal; Post-Punk;
        Power Metal; Power Pop; Power Violence; Prog Rock; Progressive Metal; Psychedelic
        Rock; Psychobilly; Pub Rock; Punk; Rock & Roll; Rockabilly; Shoegaze; Ska; Sludge
        Metal; Soft Rock; Southern Rock; Space Rock; Speed Metal; Stoner Rock; Surf;
        Symphonic Rock; Technical Death Metal; Thrash; Twist; Viking Metal; Yé-Yé
    """,
    "Stage & Screen": """
        Musical; Score; Soundtrack; Theme
    """,
}

DISCOGS400 = tuple(
    f"{parent}---{' '.join(style.split())}"
    for parent, styles in _STYLES.items()
    for style in styles.split(";")
)

MOODTHEME = tuple(
    """
    action adventure advertising background ballad calm children christmas commercial cool
    corporate dark deep documentary drama dramatic dream emotional energetic epic fast film
    fun funny game groovy happy heavy holiday hopeful inspiring love meditative melancholic
    melodic motivational movie nature party positive powerful relaxing retro romantic sad sexy
    slow soft soundscape space sport summer trailer travel upbeat uplifting
    """.split()
)

INSTRUMENT = tuple(
    """
    accordion acousticbassguitar acousticguitar bass beat bell bongo brass cello clarinet
    classicalguitar computer doublebass drummachine drums electricguitar electricpiano flute
    guitar harmonica harp horn keyboard oboe orchestra organ pad percussion piano pipeorgan
    rhodes sampler saxophone strings synthesizer trombone trumpet viola violin voice
    """.split()
)

GENRE = tuple(
    """
    60s 70s 80s 90s acidjazz alternative alternativerock ambient atmospheric blues bluesrock
    bossanova breakbeat celtic chanson chillout choir classical classicrock club contemporary
    country dance darkambient darkwave deephouse disco downtempo drumnbass dub dubstep
    easylistening edm electronic electronica electropop ethno eurodance experimental folk funk
    fusion groove grunge hard hardrock hiphop house idm improvisation indie industrial
    instrumentalpop instrumentalrock jazz jazzfusion latin lounge medieval metal minimal
    newage newwave orchestral pop popfolk poprock postrock progressive psychedelic punkrock
    rap reggae rnb rock rocknroll singersongwriter soul soundtrack swing symphonic synthpop
    techno trance triphop world worldfusion
    """.split()
)

TOP50TAGS = tuple(
    """
    alternative ambient atmospheric chillout classical dance downtempo easylistening
    electronic experimental folk funk hiphop house indie instrumentalpop jazz lounge metal
    newage orchestral pop popfolk poprock reggae rock soundtrack techno trance triphop world
    acousticguitar bass computer drummachine drums electricguitar electricpiano guitar
    keyboard piano strings synthesizer violin voice emotional energetic film happy relaxing
    """.split()
)

MSD = tuple(
    " ".join(tag.split())
    for tag in """
    rock; pop; alternative; indie; electronic; female vocalists; dance; 00s; alternative rock;
    jazz; beautiful; metal; chillout; male vocalists; classic rock; soul; indie rock; Mellow;
    electronica; 80s; folk; 90s; chill; instrumental; punk; oldies; blues; hard rock; ambient;
    acoustic; experimental; female vocalist; guitar; Hip-Hop; 70s; party; country; easy
    listening; sexy; catchy; funk; electro; heavy metal; Progressive rock; 60s; rnb; indie
    pop; sad; House; happy
    """.split(";")
)
