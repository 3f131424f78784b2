"""Words beside a title that say that the video is something else than a trailer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.matching import Verdict

TITLE = "\N{SECTION SIGN}"  # stands for the title in the text that the signs are looked for in


@dataclass(frozen=True, slots=True)
class Sign:
    """What the words say that the video is."""

    verdict: Verdict
    what: str


_NO = Verdict.NOT_A_TRAILER
_FAN = Verdict.FAN_MADE
# An invented trailer makes another kind of film of it. Left out is what trailers are called themselves: action, anime.
_GENRE = "horror|scary|slasher|thriller|comedy|rom ?com|romantic comedy|romance|romantic|western|noir|sitcom|musical"
# First sign found wins, so the more telling ones stand first. The words are as app.domain.matching.words writes them.
_SIGNS: tuple[tuple[Verdict, str, str], ...] = (
    (Verdict.SHORT, "a Short", r"hash shorts?|shorts"),
    (Verdict.LIVE, "a live stream", r"live ?streams?|streaming live|watch live|live now|24 7"),
    (
        _NO,
        "a reaction",
        r"""
        react(?:s|ion|ions|ing|ed)?|reaktion(?:en)?|reaccion|reacciona|reazione|reacao|reagindo|reakcja
        |1st time watching|first time watching|watch ?along|реакция|リアクション|리액션
        """,
    ),
    (
        _NO,
        "a parody",
        r"""
        parody|parodie|parodia|spoof|honest trailers?|how it should have ended|bad lip reading|pitch meeting
        |memes?|pranks?|hidden camera|whatsapp|status|sweded|weird trailer|ytp|funny|lego|muppets?
        """,
    ),
    (
        _FAN,
        "fan-made",
        r"""
        fan ?made
        |fan ?dub\w*|fan ?doblaje|doblaje fan|fan ?dublado|dublagem fan|gag dub|abridged
        |fan (?:trailer|film|edit|cut|teaser|movie|cast|casting|concept|art|fiction|animation|version|tribute)s?
        |fanedit|fanfilm|fans? made|unofficial|not official|concept|conceptual|ai|a i generated|ki|deepfake
        |re ?trailer|recutting
        |midjourney|sora|veo|recut|re cut|recreat\w+|re ?imagin\w+|re ?edit(?:ed)?
        |modern(?:i[sz]ed)?(?: day)? (?:\w+ )?trailer|modern|moderni[sz]ed|what if|\d0s version
        |in the style of|style|as (?:a|an|if) .*|if .* (?:was|were|had)|home ?made|stop motion|mash ?up|fake
        |custom|imagined|dream cast|student|school project|my (?:version|trailer)|made by|edit|edits|edited
        |(?:GENRE) (?:movie |film )?(?:trailer|teaser|version|edition|cut)|trailer (?:de )?(?:terror|horror)
        |(?:as|into) (?:a )?(?:GENRE|action|drama)(?: (?:movie|film))?|genre (?:swap|swapped|shift|bend\w*)
        |trailer but|but|reversed?|in reverse|backwards|re ?dub(?:bed)?|gta(?: \d| v)?
        |sims(?: \d)?|made (?:in|with)|trailer mix|remix|16 bit|8 bit|dubstep|anime version
        |live action concept|tribute|amv|fmv|vidding
        """,
    ),
    (
        _NO,
        "a breakdown",
        r"""
        break ?down|easter ?eggs?|(?:things|details|stuff) (?:you|we|that)|hidden|every detail|details?
        |analys\w+|analis\w+|analiz\w*|theor(?:y|ies)|explain(?:s|ed|er)?|explanation|erklart|explicado
        |explication|spiegato|ending|what happened|secrets?|predictions?|decoded|(?:video )?essay|lore
        |secrets of|facts|trivia|timeline|who is|why|how|worth watching|is it|should you|does|did you
        |what is|meaning|symbolism|lecture|comparison|compared|side by side|differences?
        |vergleich|mistakes|goofs|sins|wrong with|解说
        """,
    ),
    (
        _NO,
        "a review",
        r"""
        reviews?|recenzja|recenze|anmeldelse|inceleme|reviewed|rev|spoilers?|spoiler free|critique|kritik
        |rezension|resena|recensione|recensie|critica|обзор|отзыв|레뷰|리뷰|レビュー|影评|rant|rating|opinion|thoughts
        |impressions?|verdict|ranked|ranking
        """,
    ),
    (
        _NO,
        "a recap",
        r"""
        recaps?|zusammenfassung|summar(?:y|ised|ized)|story so far|in \d+ (?:minutes|mins|min|seconds)
        |resumen|resume|riassunto|need to know|before you watch|previously on|catch up|refresher
        |краткий пересказ
        """,
    ),
    (
        Verdict.COMPILATION,
        "a compilation",
        r"""
        top \d+|\d{1,3} (?:best|new|upcoming|biggest|most|great|greatest|movies|films|trailers|shows|series)
        |best (?:movies?|films?|trailers?|shows?|of|new|upcoming|series|horror|action|anime)
        |(?:upcoming|new|all|latest|biggest|great|netflix) (?:\w+ )?(?:movies|films|trailers|shows|releases)
        |upcoming|all (?:the )?(?:\w+ )?(?:trailers?|teasers?|movies|spots)|trailers|movies|compilation
        |box ?set|complete(?: \w+)? (?:series|collection|seasons?)|collection|marathon|mega ?mix
        |every .* (?:trailer|movie)|evolution|trilogy|saga|franchise|double feature|this week|weekly
        |most anticipated|lineup|line up|slate|trailer mashup|supercut
        """,
    ),
    (
        _NO,
        "music",
        r"""
        soundtracks?|bso|musik|musica|musique|cancion|canzone|chanson|ost|theme|song|songs|lyrics?|lyrical
        |musi[ck] video|music|score|album|official audio|audio|main title|remix|instrumental|karaoke|covers?
        |title track|jukebox|mv|theme song|opening theme|piano|single|主題歌|主题曲|뮤직비디오|песня|саундтрек|sings
        |singing|sing along|choreography|dance|without (?:music|sound)|bgm|suite|orchestra|симфония
        |live session|cast recording
        """,
    ),
    (
        _NO,
        "a game",
        r"""
        game ?play|video ?game|(?:official|mobile|vr|pc|board|the|new) game|game trailer|game|launch|reveal
        |cinematic|ps ?[2345]|playstation(?: \d)?|xbox(?: \w+)?|nintendo|switch|steam|dlc|early access
        |walkthrough|longplay|speedrun|pc|fortnite|roblox|minecraft|mobile|pinball|toys?|ride|theme park
        |slot|unreal engine
        """,
    ),
    (
        _NO,
        "a scene or clip",
        r"""
        clips?|scenes?|scena|escena|szene|opening|intro|outro|excerpt|extrait|extraits|ausschnitt|outtakes
        |bloopers|deleted|gag reel|best of|best moments?|moments?|highlights|sneak peek|sneak ?peek
        |first look(?! .*(?:trailer|teaser))|first \d+ minutes|first minutes|preview clip|official preview
        |quotes?|ending scene|end credits?|post credits?|fight|death|kiss|kills?|片段|클립|отрывок|сцена
        |фрагмент
        """,
    ),
    (
        _NO,
        "a featurette",
        r"""
        featurettes?|hinter den kulissen|detras de camaras|dietro le quinte|coulisses|tomas falsas
        |behind the scenes?|bts|making of|making|inside look|inside|a look|on set|vfx|special effects|b roll
        |broll|back ?stage|meet the|the story of|creating|crafting|production diary|vlog|diary
        |documentary about|メイキング|메이킹|비하인드|花絮|legacy|visual effects|props|costumes?|anatomy of a scene
        |dvd extras?|bonus
        """,
    ),
    (
        _NO,
        "an interview",
        r"""
        interviews?|press conference|red carpet|q and a|panel|talks?(?: about| on| to)?|discuss\w*|podcast
        |round ?table|junket|cast (?:on|answers|plays|and crew|of)|chat|commentary|conversation
        |on (?:fame|working|playing|filming|directing)|premiere red|screen test|audition|인터뷰|インタビュー|интервью
        |entrevista|intervista
        """,
    ),
    (
        _NO,
        "a TV spot",
        r"""
        (?:\w+ )?spots?|tvspot|promos?|commercials?|super ?bowl|big game|advert|bumper|sizzle|werbespot|ad
        |extended look|countdown|motion poster|poster|logo|title (?:reveal|announcement|card)|first glimpse
        |glimpse|greeting|message
        """,
    ),
    (
        _NO,
        "news",
        r"""
        announce(?:s|d|ment)?|release date|news|update|updates|revealed|confirmed|leak(?:s|ed)?|rumou?rs?
        |box office|everything we know|everything|cast revealed|casting|cancell?ed|renewed|delayed
        |trailer description|tickets
        """,
    ),
    (
        _NO,
        "a full film",
        r"""
        full (?:\w+ )?(?:movie|film|episodes?|cartoon|anime|series|concert)s?|full ?movie
        |complete (?:movie|film|series)|ganzer film|der ganze film|film complet|film entier
        |pel[ií]cula completa|film completo|completo|completa|полныи фильм|фильм целиком
        |watch (?:online|free|full|now free)|free (?:movie|film|full|online)|free|tam film|caly film|整片|完整版
        |全片|смотреть онлаин|full length(?! trailer)|full(?! (?:hd|uhd|official|trailer|teaser|length))
        """,
    ),
    (
        _NO,
        "a stage production",
        r"""
        live on stage|on stage|nt live|national theatre|broadway|west end|stage|ballet|opera|on tour|tour
        |concert(?! film| movie)|(?:the|a) musical|theatre production|school play|live in concert|in concert
        |audio ?book|book trailer|novel|comic|manga|graphic novel|exhibition
        """,
    ),
)
_GROUPS = tuple(Sign(verdict, what) for verdict, what, _ in _SIGNS)
_WORDS = ("".join(line.strip() for line in words.splitlines()).replace("GENRE", _GENRE) for _, _, words in _SIGNS)
_ANY = re.compile("|".join(f"(?P<s{number}>(?<!\\w)(?:{words})(?!\\w))" for number, words in enumerate(_WORDS)))


_COMPARISON = Sign(_NO, "a comparison")
_COMPARED = re.compile(rf"(?<!\w)(?:versus|v s|v {TITLE}|{TITLE} v(?! \w(?!\w)))(?!\w)")


def sign_in(text: str, *, versus: bool = False) -> Sign | None:
    """Find the most telling sign in the words beside a title; where the title stood there is a section sign.

    `versus`: the title itself sets one against another, and so may the words beside it.
    """
    found = {int(str(match.lastgroup)[1:]) for match in _ANY.finditer(text)}
    if found:
        return _GROUPS[min(found)]
    return _COMPARISON if not versus and _COMPARED.search(text) else None
