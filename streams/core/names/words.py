"""Words of names that are written in several ways or languages, each with the form that stands for all."""


def _table(**words: str) -> dict[str, str]:
    return {word: form for form, each in words.items() for word in each.split()}


SHORT_FORMS = {
    **_table(
        saint="st ste sankt santo santa são sao san",
        doctor="dr",
        mister="mr",
        mount="mt",
        junior="jr",
        senior="sr",
        brothers="bros",
        company="co",
    ),
    **dict(
        zip("one two three four five six seven eight nine ten".split(), map(str, range(1, 11)), strict=True)
    ),
}
ENSEMBLES = _table(
    orchestra="orch orchestre orchester orquesta orquestra orkest orkester orkestr orkestar orkestra",
    philharmonic="phil philharmoniker philharmonie philharmonia philharmonique philharmonisches"
    " philharmonischer filarmonica filarmonico filarmonia filharmonia filharmonie filharmonicheskiy",
    symphony="symph sym symphoniker symphonic symphonique symphonisches symphonieorchester sinfonie"
    " sinfonia sinfonica sinfonico sinfonisches sinfonieorchester simfonicheskiy symfonieorkest",
    chamber="kammerorchester kammer chambre camera camara kamerniy",
    choir="chor choeur coro kor chorale khor koor",
    radio="rundfunk rundfunks",
    national="nacional nationale nazionale natsionalniy",
    royal="koninklijk koninklijke konigliches kungliga",
    quartet="quartett quatuor quartetto cuarteto kvartet kvartett kwartet",
    quintet="quintett quintette quintetto quinteto",
    ensemble="conjunto ansambl",
    opera="opernhaus staatsoper",
    soloists="solisti solisten solistes",
)
"""What ensembles are called in the languages of the trade."""
ENSEMBLE_WORDS = frozenset(
    "orchestra philharmonic symphony choir chorus quartet quintet trio ensemble soloists".split()
)
ORCHESTRAL = frozenset({"symphony", "philharmonic", "chamber"})
"""Beside these words "orchestra" may be left out."""
CITIES = _table(
    vienna="wien wiener vienne viena",
    berlin="berliner berlino",
    munich="munchen munchner muenchen muenchner",
    prague="praha prager prazska praga",
    cologne="koln kolner koeln koelner",
    milan="milano mailand mailander",
    rome="roma romana rom",
    moscow="moskva moskauer moskovskiy moscou mosca",
    warsaw="warszawa warschau warschauer varsovie",
    leipzig="leipziger",
    dresden="dresdner",
    hamburg="hamburger",
    zurich="zurcher",
    geneva="geneve genf ginevra",
    brussels="bruxelles brusseler brussel",
    florence="firenze",
    venice="venezia venise venedig",
    naples="napoli",
    turin="torino",
    lisbon="lisboa lissabon",
    seville="sevilla",
    copenhagen="kobenhavn kopenhagen",
    paris="pariser parigi",
    london="londoner londres londra",
    frankfurt="frankfurter",
    salzburg="salzburger",
    bamberg="bamberger",
    budapest="budapester",
    czech="ceska tschechische",
    bavarian="bayerischer bayerisches bayerische bayerischen",
    petersburg="peterburg peterburgskiy petersburger",
)
SMALL_WORDS = frozenset(
    "of the de del della delle di da do dos das du des der die den dem von van und and et y e la le les el"
    " los zu zum".split()
)
"""Words between those that make the name of an ensemble."""
LEADING = frozenset("the los las les le la die der das el il os".split())
"""Articles that a name may be written without."""
GENERATIONS = {
    **dict.fromkeys(("i", "senior", "pere", "vater"), "1"),
    **dict.fromkeys(("ii", "junior", "fils", "filho", "sohn"), "2"),
    "iii": "3",
    "iv": "4",
}
OTHERS = frozenset(
    "tribute cover covers karaoke band bands experience project group allstars stars revue singers players"
    " sound style kids babies lullaby lullabies performers review revival".split()
)
"""Words that make of a name another's: not John Doe, but the John Doe Tribute Band."""
