# ruff: noqa: E501 - tables of words read better unbroken
"""Words of classical titles in the languages of the trade, each with the one that stands for all."""

from typing import Final

from streams.core.normalize import fold_diacritics


def _table(**words: str) -> dict[str, str]:
    return {word: form.replace("_", " ") for form, each in words.items() for word in each.split()}


TERMS: Final = _table(
    sonata="sonate sonaten sonates sonatas sonatina sonatine сoната соната ソナタ 소나타 奏鸣曲",
    symphony="symphonie symphonien symphonies sinfonie sinfonia sinfonía simfonia симфония 交響曲 교향곡 交响曲",
    concerto="konzert konzerte concertos concert concierto concerti концерт 協奏曲 협주곡 协奏曲",
    etude="etuden etudes study studies estudio estudios studi studio этюд этюды 練習曲 연습곡 练习曲",
    prelude="preludes praludium praeludium praludien preludio preludi prelúdio prelud прелюдия прелюдии 前奏曲 전주곡",
    fugue="fuga fuge fugues fugen fughe fughetta фуга フーガ 푸가 赋格",
    waltz="waltzes valse valses walzer vals valzer вальс ワルツ 왈츠 圆舞曲",
    mazurka="mazurkas mazurken mazurek мазурка マズルカ 마주르카",
    nocturne="nocturnes notturno notturni ноктюрн 夜想曲 녹턴",
    impromptu="impromptus импровизация экспромт 即興曲",
    ballade="ballad ballades balladen ballata баллада バラード",
    fantasy="fantasia fantasie fantasien fantasias fantasies fantaisie phantasie phantasien фантазия 幻想曲 환상곡",
    variations="variation variationen variazioni variaciones вариации 変奏曲 변주곡 变奏曲",
    suite="suiten suites ordre ordres сюита 組曲 모음곡 组曲",
    toccata="toccaten toccate токката トッカータ",
    invention="inventions inventionen invenzione инвенция インヴェンション",
    quartet="quartett quartette quatuor quatuors quartetto cuarteto квартет 四重奏曲 四重奏",
    strings_quartet="streichquartett streichquartette",
    trio="trios trii трио 三重奏曲",
    quintet="quintett quintette quintetto quinteto квинтет 五重奏曲",
    dance="dances tanz tanze danse danses danza danzas danze танец танцы",
    song="songs lied lieder песня песни melodie melodies",
    pieces="piece stuck stucke morceau morceaux pieza piezas pezzi пьеса пьесы",
    rhapsody="rhapsodie rhapsodien rhapsodies rapsodia рапсодия",
    minuet="menuet menuett menuetto minuetto menuets minuets менуэт",
    march="marche marches marsch marcia марш",
    bagatelle="bagatelles bagatellen багатель",
    romance="romances romanze romanza romanzen романс",
    overture="ouverture ouvertüre ouverture obertura увертюра 序曲",
    rondo="rondeau rondos рондо",
    scherzo="scherzi scherzos скерцо スケルツォ",
    polonaise="polonaises polonaisen polacca полонез",
    gymnopedie="gymnopedies",
    gnossienne="gnossiennes",
    arabesque="arabesques arabeske arabesken",
    barcarolle="barcarole barcarola barcarolles",
    partita="partiten partitas",
    serenade="serenata serenaden serenades",
    divertimento="divertimenti divertissement",
    cantata="kantate kantaten cantate cantates",
    caprice="caprices capricen capricci capriccio",
    consolation="consolations",
    sextet="sextett sextuor sestetto sexteto",
    septet="septett septuor settimino",
    octet="oktett octuor ottetto octeto",
    piano="klavier pianoforte clavier fortepiano pianos фортепиано ピアノ 피아노 钢琴 keyboard"
    " harpsichord cembalo clavecin clavicembalo",
    piano_sonata="klaviersonate klaviersonaten pianosonate",
    piano_concerto="klavierkonzert klavierkonzerte pianokonsert",
    piano_trio="klaviertrio",
    piano_pieces="klavierstuck klavierstucke",
    violin="violon violine violino violini скрипка скрипки geige",
    violin_sonata="violinsonate",
    violin_concerto="violinkonzert",
    cello="violoncelle violoncello cellos виолончель",
    cello_sonata="cellosonate",
    cello_concerto="cellokonzert",
    flute="flote flauto flauta флейта",
    clarinet="klarinette clarinette clarinetto clarinete кларнет",
    organ="orgel orgue organo orgao орган",
    viola="bratsche альт",
    guitar="gitarre guitare chitarra guitarra violao гитара",
    horn="corno waldhorn валторна",
    oboe="hautbois hoboe гобой",
    trumpet="trompete trompette tromba trompeta труба",
    strings="string streicher cordes archi cuerdas",
    orchestra="orchester orchestre orquesta оркестр",
    allegro="аллегро",
    adagio="адажио",
    andante="анданте",
    german="deutsche allemande tedesca",
    french="franzosische francaise",
    english="englische anglaise",
)  # fmt: skip
"""Forms, instruments and movements, without accents."""

UNTOLD: Final = frozenset(
    "in en im for fur pour per para and und et ed y e of de des der die das la le les il lo the a an no nr op opus"
    " major minor dur moll majeur mineur maggiore minore from aus di con live remastered recorded book livre"
    " bwv kv hob".split()
)
"""Words that tell no piece from another."""

FORMS: Final = frozenset(
    "sonata symphony concerto etude prelude fugue waltz mazurka nocturne impromptu ballade fantasy suite toccata"
    " invention quartet trio quintet dance rhapsody minuet march bagatelle polonaise overture sequenza sequenzas".split()
)
"""Forms of which a composer's works are counted."""
INSTRUMENTS: Final = frozenset(
    "piano violin cello flute clarinet strings organ viola oboe horn trumpet guitar orchestra".split()
)
"""What tells two works of one form and number: "Violin Sonata No. 1" beside the one for piano."""
ORDINALS: Final = {
    word: number
    for number, words in enumerate(
        (
            "first premier première erste erster erstes primera primero primeira prima primo первая первый 1st 1er 1ère",
            "second deuxième seconde zweite zweiter zweites segunda segundo seconda secondo вторая второй 2nd 2e 2ème",
            "third troisième dritte dritter drittes tercera tercero terceira terza terzo третья третий 3rd 3e 3ème",
            "fourth quatrième vierte vierter viertes cuarta cuarto quarta quarto четвёртая 4th 4e 4ème",
            "fifth cinquième fünfte fünfter fünftes quinta quinto пятая 5th 5e 5ème",
            "sixth sixième sechste sechster sechstes sexta sexto sesta sesto шестая 6th 6e 6ème",
            "seventh septième siebte siebter siebtes séptima séptimo settima settimo седьмая 7th 7e 7ème",
            "eighth huitième achte achter achtes octava octavo ottava ottavo восьмая 8th 8e 8ème",
            "ninth neuvième neunte neunter neuntes novena noveno nona nono девятая 9th 9e 9ème",
            "tenth dixième zehnte zehnter zehntes décima décimo decima decimo десятая 10th 10e 10ème",
            "eleventh onzième elfte elfter elftes undécima undécimo undicesima undicesimo 11th 11e 11ème",
            "twelfth douzième zwölfte zwölfter zwölftes duodécima duodécimo dodicesima dodicesimo 12th 12e 12ème",
            "thirteenth treizième dreizehnte dreizehnter tredicesima tredicesimo 13th 13e 13ème",
            "fourteenth quatorzième vierzehnte vierzehnter quattordicesima quattordicesimo 14th 14e 14ème",
            "fifteenth quinzième fünfzehnte fünfzehnter quindicesima quindicesimo 15th 15e 15ème",
        ),
        start=1,
    )
    for word in words.split()
}
"""Ordinal numbers before a form: the fifth symphony is symphony number 5."""


def named_by_form(base: str) -> frozenset[str] | None:
    """Give form and instruments of a title that is made of nothing else: "Konzert für Violine und Orchester".

    Parameters
    ----------
    base : str
        normalised, without accents

    Returns
    -------
    frozenset of str, optional
        as one language writes them; none for a title with any other word, a number, or no instrument
    """
    told: list[str] = []
    for word in base.split():
        if word in UNTOLD:
            continue
        terms = TERMS.get(word, word).split()
        if not FORMS.union(INSTRUMENTS).issuperset(terms):
            return None
        told += terms
    named = frozenset(told)
    return named if named & FORMS and named & INSTRUMENTS else None


def is_form(word: str) -> bool:
    """Say whether a word names a form that works are counted by."""
    plain = fold_diacritics(word.lower())
    return TERMS.get(plain, plain).rsplit(" ", 1)[-1] in FORMS
