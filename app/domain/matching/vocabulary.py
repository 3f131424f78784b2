"""Words that stand beside a title and say what a video is, in the languages that trailers come in."""

from __future__ import annotations

from app.domain.matching.words import words_of


def _set(*texts: str) -> frozenset[str]:
    """Give the words as they come out of a hit's title."""
    return frozenset(word.text for text in texts for word in words_of(text))


TEASERS = _set("teaser teasers teasertrailer тизер 티저 特報 先导 先導 тийзер")
TRAILERS = _set(
    "trailer trailera traileri treiler tráiler trejler kinotrailer filmtrailer annonce zwiastun fragman fragmanı",
    "upoutávka előzetes filmelőzetes anonsas трейлер трейлър τρέιλερ טריילר تريلر تریلر برومو ट्रेलर",
    "டிரெய்லர் ట్రైలర్ ট্রেলার ട്രെയിലർ",
    "予告 予告編 本予告 予告片 預告 預告片 预告 预告片 예고 예고편 특별예고편 ตัวอย่าง pv",
)
MARKS = TRAILERS | TEASERS

LANGUAGES = {
    **dict.fromkeys(_set("english eng englisch anglais inglese ingles"), "english"),
    **dict.fromkeys(_set("german deutsch deutscher deutsche deutschland ger"), "german"),
    **dict.fromkeys(_set("french francais français française annonce vf vff france"), "french"),
    **dict.fromkeys(_set("italian italiano italiana ita ufficiale italia"), "italian"),
    **dict.fromkeys(_set("spanish español española castellano latino subtitulado doblado españa"), "spanish"),
    **dict.fromkeys(_set("portuguese português dublado legendado brasil portugal"), "portuguese"),
    **dict.fromkeys(_set("polish zwiastun polski lektor"), "polish"),
    **dict.fromkeys(_set("turkish fragman fragmanı türkçe altyazılı"), "turkish"),
    **dict.fromkeys(_set("russian русский трейлер тизер дублированный"), "russian"),
    **dict.fromkeys(_set("japanese 予告 予告編 本予告 特報 日本"), "japanese"),
    **dict.fromkeys(_set("korean 예고편 예고 티저"), "korean"),
    **dict.fromkeys(_set("chinese mandarin cantonese 预告片 預告片 预告 預告 予告片"), "chinese"),
    **dict.fromkeys(_set("hungarian előzetes magyar szinkronos"), "hungarian"),
    **dict.fromkeys(_set("czech upoutávka česky"), "czech"),
    **dict.fromkeys(_set("dutch nederlands"), "dutch"),
    **dict.fromkeys(_set("thai ตัวอย่าง"), "thai"),
    **dict.fromkeys(_set("hindi ट्रेलर"), "hindi"),
    **{word: word for word in ("tamil", "telugu", "malayalam", "kannada", "bengali", "marathi", "punjabi", "gujarati")},
    **{word: word for word in ("swedish", "danish", "norwegian", "finnish", "greek", "arabic", "hebrew", "vietnamese")},
}

OFFICIAL = _set(
    "official officiel officielle oficial ufficiale offizieller offizielle offiziell resmi oficjalny",
    "oficiální hivatalos",
    "officiële officiell offisiell virallinen официальный офіційний 公式 正式 官方 공식 आधिकारिक rasmi",
)

FILLERS = _set(
    "main final finaler theatrical theatrically theater theatre theatres theaters cinema cinemas kino bio",
    "now new neuer nuovo nuevo",
    "nouvelle nouveau international internacional internazionale us usa uk red green band redband",
    "restricted uncensored",
    "rated exclusive extended alternate hd fhd uhd qhd hq hdr imax 1080p 720p 2160p 1440p 480p 4k 8k 2k 5k dolby",
    "atmos vision movie film films feature filmi pelicula película filme filmu der zum im bande video clip official",
    "映画 劇場版 剧场版 电影 電影 영화 ภาพยนตร์ фильм фильма 메인 最终 最終 終極 终极 修復版 修复版 sub",
    "subs subbed subtitles subtitled subtitle",
    "dub dubbed vo vost vostfr vostf omu ov omdu legendado sous titres version versión versione coming",
    "soon demnächst prossimamente próximamente prochainement w watch",
    "classic vintage retro original originale originaler originals restored restoration restaurierung restaurierte",
    "remastered anniversary rerelease reissue re release edition blu ray bluray dvd vhs digital digitally",
    "january february march april may june july august september october november december jan feb mar apr",
    "jun jul aug",
    "sep sept oct nov dec only this summer fall winter spring christmas cannes sundance tiff berlinale venice",
    "nominee winner oscar academy award awards presents präsentiert presenta présente",
    "full length short 第 弾 hdtv scope color colour bw remaster dir director directed directors cut starring",
    "series serie tv",
    "70mm 35mm 16mm デジタル リマスター アニメ テレビ メイン limited comic con sdcc d23 cinemacon fandome tudum",
    "presents present",
) - {"clip", "full"}
FUNCTION_WORDS = _set(
    "the a an of for in to on at by and from with s is be der die das le la les el il de du des von e"
)
SEASON_WORDS = _set(
    "season seasons series staffel saison temporada stagione sezon sezonu sæson säsong sesong kausi сезон",
    "seizoen évad série シーズン 시즌 季 期",
)
# What may follow a title or stand before it without a separator.
CLOSE_FILLERS = _set(
    "movie film main final theatrical original international imax hd uhd 4k tv series season miniseries",
    "映画 劇場版 剧场版 电影 電影 영화 ภาพยนตร์ フィルム アニメ 메인 фильм pelicula película filme",
    "restored restoration 修復版 修复版 anniversary",
    "exclusive extended new bande video nsfw anime prime concert uk us usa full red vo vf vost vostfr",
    "cinema kino classic extended hindi",
)
COMPANY_WORDS = _set(
    "studios studio pictures picture films entertainment presents productions production original",
    "originals media releasing",
)
NETWORKS = frozenset(
    {
        "nbc",
        "abc",
        "cbs",
        "fx",
        "amc",
        "hbo",
        "bbc",
        "mtv",
        "cw",
        "syfy",
        "starz",
        "showtime",
        "itv",
        "tnt",
        "usanetwork",
        "channel4",
        "spike",
    }
)
COUNTRIES = frozenset({"uk", "us", "usa", "au", "australia", "nz", "ca", "canada", "india", "ie", "jp", "kr"})

STUDIO_FAMILIES: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "warner",
            "wb",
            "newline",
            "dc",
            "hbo",
            "max",
            "hbomax",
            "castlerock",
            "cartoonnetwork",
            "adultswim",
            "lorimar",
            "legendary",
        }
    ),
    frozenset(
        {
            "universal",
            "focus",
            "focusfeatures",
            "blumhouse",
            "illumination",
            "dreamworks",
            "workingtitle",
            "amblin",
            "peacock",
            "nbc",
            "syfy",
        }
    ),
    frozenset({"sony", "columbia", "tristar", "screengems", "crunchyroll", "funimation", "aniplex"}),
    frozenset(
        {
            "disney",
            "pixar",
            "marvel",
            "lucasfilm",
            "20th",
            "20thcentury",
            "fox",
            "searchlight",
            "touchstone",
            "hulu",
            "fx",
            "abc",
            "disneyplus",
            "starwars",
            "natgeo",
            "hollywoodpictures",
        }
    ),
    frozenset({"paramount", "nickelodeon", "mtv", "showtime", "cbs", "comedycentral"}),
    frozenset({"amazon", "mgm", "primevideo", "prime", "orion", "unitedartists", "ama"}),
    frozenset({"lionsgate", "summit", "starz"}),
    frozenset({"netflix"}),
    frozenset({"apple", "appletv"}),
    frozenset({"bbc", "bbciplayer"}),
    frozenset({"itv", "itvx"}),
    frozenset({"channel4", "film4", "e4"}),
    frozenset({"amc", "shudder", "ifc", "ifcfilms"}),
    frozenset({"toei", "toeianimation"}),
    frozenset({"toho", "東宝"}),
    frozenset({"studiocanal", "canal"}),
    frozenset({"gaumont"}),
    frozenset({"pathe"}),
    frozenset({"a24"}),
    frozenset({"neon"}),
)

DISTRIBUTORS = frozenset(
    {
        *(
            "criterion",
            "criterioncollection",
            "janus",
            "magnolia",
            "magnet",
            "gkids",
            "kinolorber",
            "lorber",
            "bfi",
            "arrow",
        ),
        *(
            "mubi",
            "shout",
            "severin",
            "synapse",
            "eureka",
            "curzon",
            "altitude",
            "vertigo",
            "stx",
            "stxfilms",
            "roadside",
        ),
        *(
            "bleecker",
            "oscilloscope",
            "utopia",
            "vertical",
            "saban",
            "rlje",
            "quiver",
            "samuelgoldwyn",
            "dogwoof",
            "artificial",
        ),
        *(
            "madman",
            "umbrella",
            "strand",
            "cohen",
            "filmmovement",
            "musicbox",
            "wellgo",
            "utv",
            "yrf",
            "dharma",
            "tseries",
            "zee",
        ),
        *(
            "erosnow",
            "redchillies",
            "hombale",
            "lyca",
            "sunpictures",
            "mosfilm",
            "мосфильм",
            "cjenm",
            "showbox",
            "nordisk",
            "sf",
        ),
        *(
            "constantin",
            "leonine",
            "tobis",
            "senator",
            "senatorfilm",
            "wildbunch",
            "capelight",
            "weltkino",
            "x-verleih",
            "ard",
            "zdf",
        ),
        *(
            "bacfilms",
            "mk2",
            "svt",
            "nrk",
            "dr",
            "viaplay",
            "skyshowtime",
            "sky",
            "skytv",
            "acorn",
            "britbox",
            "pbs",
            "tnt",
            "usanetwork",
        ),
        *(
            "vice",
            "roku",
            "tubi",
            "bento",
            "kadokawa",
            "shochiku",
            "nikkatsu",
            "avex",
            "mappa",
            "ufotable",
            "kyoani",
            "ponycanyon",
        ),
        *(
            "miramax",
            "weinstein",
            "relativity",
            "millennium",
            "nuimage",
            "bleeckerstreet",
            "annapurna",
            "participant",
            "entertainment",
        ),
        *("pictures", "distribution", "verleih", "filmverleih", "distribucion", "releasing"),
    }
)
STUDIO_BRANDS = frozenset().union(*STUDIO_FAMILIES) | DISTRIBUTORS
STREAMERS = frozenset(
    {
        "netflix",
        "hulu",
        "primevideo",
        "appletv",
        "disneyplus",
        "hbomax",
        "peacock",
        "peacocktv",
        "paramountplus",
        "showtime",
        "starz",
    }
)
TRAILER_CHANNELS = frozenset(
    {
        "trailer",
        "trailers",
        "movieclips",
        "kinocheck",
        "filmselect",
        "joblo",
        "filmsactu",
        "filmisnow",
        "ign",
        "comingsoon",
    }
)
OLD_FILM_CHANNELS = frozenset(
    {
        "classic",
        "classics",
        "retro",
        "vintage",
        "archive",
        "vault",
        "vhs",
        "cult",
        "thecultbox",
        "criterion",
        "criterioncollection",
        "janus",
        "rialto",
        "kinolorber",
        "lorber",
        "studiocanal",
        "bfi",
        "arrow",
        "eureka",
        "severin",
        "shout",
        "synapse",
        "restoration",
        "restaurierung",
        "restored",
    }
)
CONCEPT_CHANNELS = frozenset(
    {
        "screenculture",
        "khstudio",
        "teaserpro",
        "smasher",
        "darthtrailer",
        "foxstarmedia",
        "stryderhd",
        "vj4rawr2",
        "theterminatorfans",
    }
)
# Whole names without spaces, for channels whose name is more than a company's.
OFFICIAL_CHANNELS = frozenset(
    {
        "lionsgatemovies",
        "lionsgatefilmsuk",
        "sonypicturesclassics",
        "disneymovies",
        "paramountmovies",
        "cjenmmovie",
        "東宝movieチャンネル",
        "tohoanimationチャンネル",
        "mappachannel",
        "ponycanyon",
        "ポニーキャニオン",
        "crunchyrolldubs",
        "netflixanime",
        "netflixisajoke",
        "stillwatchingnetflix",
    }
)
KNOWN_TRAILER_CHANNELS = frozenset(
    {
        "rottentomatoestrailers",
        "rottentomatoesclassictrailers",
        "rottentomatoesindie",
        "rottentomatoestv",
        "movieclipstrailers",
        "movieclipscomingsoon",
        "kinocheck",
        "kinocheckinternational",
        "kinocheckhome",
        "joblomovietrailers",
        "jobloupcoming",
        "joblotvshowtrailers",
        "joblohorrortrailers",
        "joblostreamingandtvtrailers",
        "ign",
        "ignmovietrailers",
        "onemedia",
        "filmselecttrailer",
        "filmselecttrailers",
        "filmisnowmovietrailers",
        "filmisnowmovietrailersinternational",
        "freshmovietrailers",
        "movieaccesstrailers",
        "filmsactu",
        "moviepilottrailer",
        "filmstartsde",
        "filmstarts",
    }
)
TERRITORIES = COUNTRIES | _set(
    "international worldwide global europe latam latinoamérica latinoamerica latino deutschland germany de austria",
    "österreich schweiz switzerland france fr españa spain es italia italy it brasil brazil br portugal pt",
    "méxico mexico",
    "argentina colombia chile polska poland pl türkiye turkey nederland netherlands nl benelux belgium belgique nordic",
    "sverige sweden norge norway danmark denmark suomi finland россия ukraine magyarország czech greece israel arabia",
    "mena africa asia korea japan taiwan hk philippines indonesia malaysia singapore thailand vietnam ireland québec",
)
