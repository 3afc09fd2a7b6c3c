"""Titles as people write them in eleven languages: a table of cases for each rule of the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.normalize import fold_diacritics, normalize_text
from streams.core.titles import read_numbers, read_spans, read_title
from streams.core.versions import read_version


@pytest.mark.parametrize(
    "title",
    [
        "(I Can't Get No) Satisfaction", "Live Forever", "Cover Me", "1999", "24/7", "Con te partirò",
        "Sin ti",
        "With or Without You", "Remix to Ignition", "Long Live", "We Live in Time", "Born to Live in Paris",
        "Live and Let Die", "Part of Me", "Love (Por Favor)", "Love (By the Sea)", "Hey (Reprise)",
        "Draft Swift", "Fully Alive", "A Minor Place", "Video Killed the Radio Star", "Paper Clip", "Karaoke",
        "Remastered",
        "HD", "The Full Album", "Contigo", "Mit", "Avec", "Partir", "Alive (Somewhere in the Night)",
        "Blue -Door- Key", "Blue Door-", "Half-Light", "Ile", "[Live]",
        "Live", "Acoustic", "ライブ", "현장", "Концерт", "Nightcore", "Clean", "Mono", "Mr. Blue", "Versión",
    ],
)  # fmt: skip
def test_title_keeps_its_words(title: str) -> None:
    reading = read_title(title)[0]
    assert reading.versions == ()
    assert reading.credits == ()
    assert reading.base == fold_diacritics(normalize_text(title))


LANGUAGES: dict[str, list[tuple[str, str, str]]] = {
    "en": [
        ("Blue Door (Live at the Mill)", "blue door", "live"),
        ("Blue Door - Live @ the Mill", "blue door", "live"),
        ("Blue Door [2011 Remaster]", "blue door", "remaster"),
        ("Blue Door - Mono", "blue door", "mono"),
        ("Blue Door {Karaoke in the Style of Ana Rio}", "blue door", "karaoke"),
        ("Blue Door ~Off Vocal~", "blue door", "instrumental"),
        ("Blue Door (slowed + reverb)", "blue door", "slowed"),
        ("Blue Door (Group X Dub)", "blue door", "remix"),
        ("Blue Door - Tom Reed Mix", "blue door", "remix"),
        ("Blue Door (VIP)", "blue door", "remix"),
        ('Blue Door (12" Version)', "blue door", "edit"),
        ("Blue Door (Ana's Version)", "blue door", "rerecording"),
        ("Blue Door (Alternate Take)", "blue door", "alternative"),
        ("Blue Door (String Quartet Version)", "blue door", "alternative"),
        ("Blue Door (Explicit)", "blue door", "explicit"),
        ("Blue Door (Radio Edit)", "blue door", "edit"),
        ("Blue Door (Original Mix)", "blue door", "album"),
        ("Blue Door (2019 Mix)", "blue door", "mix"),
        ("Blue Door (2019 Stereo Mix)", "blue door", "mix"),
        ("Blue Door (Stereo Mix)", "blue door", "stereo"),
        ("Blue Door (30th Anniversary Mix)", "blue door", "mix"),
        ("Blue Door (8D Audio)", "blue door", "mix"),
        ("Blue Door (Short Ver.)", "blue door", "edit"),
        ("Blue Door Full Album", "blue door", "full_album"),
        ("Blue Door (Parody of Red Door)", "blue door", "parody"),
        ("Blue Door (Show 5/4/1977)", "blue door", "live"),
    ],
    "es": [
        ("Puerta azul (en vivo)", "puerta azul", "live"),
        ("Puerta azul - En Directo", "puerta azul", "live"),
        ("Puerta azul en vivo", "puerta azul", "live"),
        ("Puerta azul (versión acústica)", "puerta azul", "acoustic"),
        ("Puerta azul (pista instrumental)", "puerta azul", "instrumental"),
        ("Puerta azul (remasterizado)", "puerta azul", "remaster"),
        ("Puerta azul (versión de Ana)", "puerta azul", "cover"),
        ("Puerta azul (versión de estudio)", "puerta azul", "album"),
        ("Puerta azul (versión en inglés)", "puerta azul", "language"),
        ("Puerta azul (acelerada)", "puerta azul", "sped_up"),
        ("Puerta azul (versión corta)", "puerta azul", "edit"),
        ("Puerta azul (sin censura)", "puerta azul", "explicit"),
        ("Puerta azul (maqueta)", "puerta azul", "demo"),
    ],
    "pt": [
        ("Porta azul (ao vivo)", "porta azul", "live"),
        ("Porta azul ao vivo", "porta azul", "live"),
        ("Porta azul - Acústico", "porta azul", "acoustic"),
        ("Porta azul (voz e violão)", "porta azul", "acoustic"),
        ("Porta azul (versão em inglês)", "porta azul", "language"),
        ("Porta azul (versão estendida)", "porta azul", "edit"),
        ("Porta azul (regravação)", "porta azul", "rerecording"),
        ("Porta azul (versão de estúdio)", "porta azul", "album"),
    ],
    "fr": [
        ("Porte bleue (en concert)", "porte bleue", "live"),
        ("Porte bleue (en public à Paris)", "porte bleue", "live"),
        ("Porte bleue (version acoustique)", "porte bleue", "acoustic"),
        ("Porte bleue (remasterisé)", "porte bleue", "remaster"),
        ("Porte bleue (reprise de Marie)", "porte bleue", "cover"),
        ("Porte bleue (version anglaise)", "porte bleue", "language"),
        ("Porte bleue (version longue)", "porte bleue", "edit"),
        ("Porte bleue (version instrumentale)", "porte bleue", "instrumental"),
        ("Porte bleue (maquette)", "porte bleue", "demo"),
        ("Porte bleue (bande-son karaoké)", "porte bleue", "karaoke"),
    ],
    "de": [
        ("Blaue Tür (live aus Köln)", "blaue tur", "live"),
        ("Blaue Tür (Akustikversion)", "blaue tur", "acoustic"),
        ("Blaue Tür (Konzertmitschnitt)", "blaue tur", "live"),
        ("Blaue Tür (Instrumentalversion)", "blaue tur", "instrumental"),
        ("Blaue Tür (englische Fassung)", "blaue tur", "language"),
        ("Blaue Tür (Neuaufnahme)", "blaue tur", "rerecording"),
        ("Blaue Tür (Langversion)", "blaue tur", "edit"),
        ("Blaue Tür (Originalversion)", "blaue tur", "album"),
        ("Blaue Tür (Coverversion)", "blaue tur", "cover"),
    ],
    "it": [
        ("Porta blu (dal vivo)", "porta blu", "live"),
        ("Porta blu (versione acustica)", "porta blu", "acoustic"),
        ("Porta blu (rimasterizzato)", "porta blu", "remaster"),
        ("Porta blu (base musicale)", "porta blu", "instrumental"),
        ("Porta blu (versione inglese)", "porta blu", "language"),
        ("Porta blu (versione integrale)", "porta blu", "edit"),
        ("Porta blu (provino)", "porta blu", "demo"),
    ],
    "ru": [
        ("Синяя дверь (концертная запись)", "синяя дверь", "live"),
        ("Синяя дверь (живьём)", "синяя дверь", "live"),
        ("Синяя дверь (акустическая версия)", "синяя дверь", "acoustic"),
        ("Синяя дверь (минусовка)", "синяя дверь", "instrumental"),
        ("Синяя дверь (кавер)", "синяя дверь", "cover"),
        ("Синяя дверь (ремикс)", "синяя дверь", "remix"),
        ("Синяя дверь (на английском языке)", "синяя дверь", "language"),
        ("Синяя дверь (радиоверсия)", "синяя дверь", "edit"),
        ("Синяя дверь (ускоренная)", "синяя дверь", "sped_up"),
        ("Синяя дверь (без мата)", "синяя дверь", "clean"),
    ],
    "ja": [
        ("青い扉（ライブ）", "青い扉", "live"),
        ("青い扉「ライヴ」", "青い扉", "live"),
        ("青い扉【カラオケ】", "青い扉", "karaoke"),
        ("青い扉〔インスト〕", "青い扉", "instrumental"),
        ("青い扉（アコースティックver.）", "青い扉", "acoustic"),
        ("青い扉【歌ってみた】", "青い扉", "cover"),
        ("青い扉（英語版）", "青い扉", "language"),
        ("青い扉『リマスター』", "青い扉", "remaster"),
        ("青い扉 ～ショートバージョン～", "青い扉", "edit"),
        ("青い扉〈再録〉", "青い扉", "rerecording"),
        ("青い扉 -Instrumental-", "青い扉", "instrumental"),
        ("青い扉 －アコースティック・バージョン－", "青い扉", "acoustic"),
    ],
    "ko": [
        ("파란 문 (라이브)", "파란 문", "live"),
        ("파란 문 (어쿠스틱 ver.)", "파란 문", "acoustic"),
        ("파란 문 (반주)", "파란 문", "instrumental"),
        ("파란 문 [MR]", "파란 문", "instrumental"),
        ("파란 문 (영어 버전)", "파란 문", "language"),
        ("파란 문 (커버)", "파란 문", "cover"),
        ("파란 문 (리믹스)", "파란 문", "remix"),
        ("파란 문 (재녹음)", "파란 문", "rerecording"),
        ("파란 문 MR 반주", "파란 문", "instrumental"),
    ],
    "zh": [
        ("蓝色的门（现场版）", "蓝色的门", "live"),
        ("藍色的門《現場》", "藍色的門", "live"),
        ("蓝色的门（伴奏）", "蓝色的门", "instrumental"),
        ("蓝色的门（粤语版）", "蓝色的门", "language"),
        ("蓝色的门（翻唱）", "蓝色的门", "cover"),
        ("蓝色的门（不插电）", "蓝色的门", "acoustic"),
        ("蓝色的门（加速版）", "蓝色的门", "sped_up"),
        ("蓝色的门（重录版）", "蓝色的门", "rerecording"),
    ],
    "tr": [
        ("Mavi kapı (canlı)", "mavi kapi", "live"),
        ("Mavi kapı canlı performans", "mavi kapi", "live"),
        ("Mavi kapı (akustik)", "mavi kapi", "acoustic"),
        ("Mavi kapı (enstrümantal)", "mavi kapi", "instrumental"),
        ("Mavi kapı (İngilizce versiyon)", "mavi kapi", "language"),
        ("Mavi kapı (hızlandırılmış)", "mavi kapi", "sped_up"),
        ("Mavi kapı (sansürlü)", "mavi kapi", "clean"),
    ],
}


@pytest.mark.parametrize(
    ("title", "base", "kind"),
    [
        pytest.param(*case, id=f"{language}-{case[0]}")
        for language, cases in LANGUAGES.items()
        for case in cases
    ],
)
def test_version_is_typed_in_every_language(title: str, base: str, kind: str) -> None:
    reading = read_title(title)[0]
    assert (reading.base, [part.type for part in reading.versions]) == (base, [kind])


def test_a_word_that_is_a_version_in_one_language_depends_on_the_sender() -> None:
    assert read_title("Porte bleue (reprise)", language="fr")[0].versions[0].type == "cover"
    assert read_title("Blue Door (Reprise)", language="en")[0].base == "blue door reprise"


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Blue Door (feat. Ana Rio & Ben Lago)", ("ana rio", "ben lago")),
        ("Blue Door ft. Ana Rio", ("ana rio",)),
        ("Blue Door f/ Ana Rio", ("ana rio",)),
        ("Blue Door [w/ Ana Rio]", ("ana rio",)),
        ("Blue Door - with Ana Rio", ("ana rio",)),
        ("Blue Door (Ben Lago feat. Ana Rio)", ("ben lago", "ana rio")),
        ("Puerta azul (con Ana Rio)", ("ana rio",)),
        ("Porta azul (part. Ana Rio)", ("ana rio",)),
        ("Porte bleue (avec Ana Rio)", ("ana rio",)),
        ("Blaue Tür (mit Ana Rio)", ("ana rio",)),
        ("Porta blu (insieme a Ana Rio)", ("ana rio",)),
        ("Синяя дверь (при участии Ana Rio)", ("ana rio",)),
        ("파란 문 (피처링 Ana Rio)", ("ana rio",)),
        ("Mavi kapı (Ana Rio ile)", ("ana rio",)),
    ],
)
def test_credits_leave_the_title(title: str, names: tuple[str, ...]) -> None:
    reading = read_title(title)[0]
    assert reading.credits == names
    assert "ana" not in reading.base


@pytest.mark.parametrize(
    ("title", "media_kind"),
    [
        ("Blue Door (Official Video)", "official_video"),
        ("Blue Door [Official Music Video] [HD]", "official_video"),
        ("Blue Door (Official Lyric Video)", "lyric_video"),
        ("Blue Door (Visualizer)", "visualizer"),
        ("Blue Door (Official Audio)", "audio"),
        ("Blue Door | Official Video", "official_video"),
        ("Blue Door Official Music Video", "official_video"),
        ("Blue Door (Letra)", "lyric_video"),
        ("Blue Door (Vídeo Oficial)", "official_video"),
        ("Blue Door (Clipe Oficial)", "official_video"),
        ("Blue Door (Clip officiel)", "official_video"),
        ("Blue Door (Paroles)", "lyric_video"),
        ("Blue Door (Offizielles Video)", "official_video"),
        ("Blue Door (Video Ufficiale)", "official_video"),
        ("Blue Door (Официальный клип)", "official_video"),
        ("Blue Door【公式】", "official_video"),
        ("Blue Door (가사)", "lyric_video"),
        ("Blue Door【官方MV】", "official_video"),
        ("Blue Door (Resmi Klip)", "official_video"),
    ],
)
def test_what_a_video_shows_is_kept_apart(title: str, media_kind: str) -> None:
    reading = read_title(title)[0]
    assert (reading.base, reading.media_kind, reading.versions) == ("blue door", media_kind, ())


@pytest.mark.parametrize(
    "noise",
    [
        "HD", "4K", "Deluxe Edition", "Bonus Track", "25th Anniversary", "2005 Re-issue",
        "from the Film Rivers", "1985", "Explicit HD", "Edición especial", "Trilha sonora", "Bande originale",
        "Премьера 2020", "高音質", "高清",
        "Faixa Bônus", "Pista adicional", "Titre bonus", "Bonustrack", "Traccia bonus", "Бонус-трек",
        "ボーナストラック", "보너스 트랙", "Bonus Parça", "电影《家》主题曲", "映画「家」主題歌",
        "드라마 '집' 주제곡",
    ],
)  # fmt: skip
def test_noise_says_nothing(noise: str) -> None:
    assert read_title(f"Blue Door ({noise})")[0].base == "blue door"


@pytest.mark.parametrize(
    ("title", "artist", "base", "performer"),
    [
        ("Ana Rio - Blue Door", None, "blue door", "ana rio"),
        ("Blue Door - Ana Rio", "Ana Rio", "blue door", "ana rio"),
        ("Ana Rio – Blue Door (Official Video)", "AnaRio", "blue door", "ana rio"),
        ("[Rock] Ana Rio - Blue Door", None, "blue door", "ana rio"),
        ("03. Ana Rio - Blue Door", None, "blue door", "ana rio"),
        ("A. Rio - Blue Door", None, "blue door", "a rio"),
        ("Ana Rio「青い扉」", None, "青い扉", "ana rio"),
        ("Ana RioMV『青い扉』", None, "青い扉", "ana rio"),
        ('Ana Rio: "Blue Door"', None, "blue door", "ana rio"),
        ("Blue Door (cover by Ana Rio)", None, "blue door", "ana rio"),
        ("Blue Door - Piano Cover by Ana Rio", None, "blue door", "ana rio"),
        ("【MV】青い扉 / アナ・リオ【公式】", None, "青い扉", "アナ リオ"),
        ("[Live] Ana Rio - Blue Door", None, "blue door", "ana rio"),
        ("Ana Rio | Blue Door | DVD Ao Vivo em Goiânia", None, "blue door", "ana rio"),
        ("Ben Lago - Blue Door (cover by Ana Rio)", None, "blue door", "ana rio"),
        ("Ana Rio - Blue Door [Some Label]", None, "blue door", "ana rio"),
        ("Ana Rio - Live Forever", None, "live forever", "ana rio"),
        ("Ana Rio - Blue Door.mp4", None, "blue door", "ana rio"),
        ("Blue Door | Some Film | Some Singer", None, "blue door", None),
    ],
)
def test_video_titles_name_the_artist(
    title: str, artist: str | None, base: str, performer: str | None
) -> None:
    reading = read_title(title, artist=artist, video=True)[0]
    assert (reading.base, reading.artist) == (base, performer)


@pytest.mark.parametrize(
    ("title", "numbers"),
    [
        ("Blue Door, Pt. 2", {"part 2"}),
        ("Blue Door (Teil II)", {"part 2"}),
        ("Синяя дверь, часть 3", {"part 3"}),
        ("青い扉 第2部", {"part 2"}),
        ("Blue Door Vol. 3", {"volume 3"}),
        ("Sonata No. 14 in C-sharp minor, Op. 27 No. 2: I. Adagio",
         {"number 14", "key c# minor", "opus 27", "opus_number 2", "movement 1"}),
        ("Préludes, op. 28/15", {"opus 28", "opus_number 15"}),
        ("Klavierkonzert Nr. 1 b-Moll, 2. Satz", {"number 1", "key bb minor", "movement 2"}),
        ("Concerto pour piano nº 2 en do mineur, 3ème mouvement", {"number 2", "key c minor", "movement 3"}),
        ("ピアノ協奏曲第2番 ハ短調 第1楽章", {"number 2", "key c minor", "movement 1"}),
        ("Соната № 8 до минор, соч. 13", {"number 8", "key c minor", "opus 13"}),
        ("Messe in h-Moll, BWV 232", {"key b minor", "catalogue:bwv 232"}),
        ("Sonata in A major, K. 331: III. Rondo", {"key a major", "catalogue:k 331", "movement 3"}),
        ("Impromptu in G-flat major, D. 899 No. 3", {"key f# major", "catalogue:d 899", "number 3"}),
        ("Four Pieces: 3. Mélodie", {"movement 3"}),
        ("La Traviata, Act II: Aria", {"act 2"}),
        ("Blue Door (1999)", set()),
        ("99 Doors", set()),
        ("Four Pieces", set()),
    ],
)  # fmt: skip
def test_numbers_have_a_scheme(title: str, numbers: set[str]) -> None:
    assert {f"{number.scheme} {number.value}" for number in read_numbers(title)} == numbers


def test_a_composer_before_the_work_is_no_part_of_it() -> None:
    plain = read_title("Nocturne in E-flat, Op. 9 No. 2")[0].base
    assert (
        read_title("Chopin: Nocturne in E-flat, Op. 9 No. 2", composers=("frederic chopin",))[0].base == plain
    )
    assert read_title("Chopin: Nocturne in E-flat, Op. 9 No. 2")[0].base != plain


def _pieces(text: str, index: int = 0, *, video: bool = False) -> dict[str, str]:
    return {span.role: text[span.start : span.end] for span in read_spans(text, video=video)[index].spans}


def test_every_piece_says_where_it_stands() -> None:
    text = "Ana Rio  –  Blue Door, Pt. 2 （feat. Ben） [Live at the Mill] 【MV】"
    assert _pieces(text, video=True) == {
        "artist": "Ana Rio",
        "title": "Blue Door, Pt. 2",
        "number:part": "Pt. 2",
        "credit": "（feat. Ben）",
        "version:live": "[Live at the Mill]",
        "media:official_video": "【MV】",
    }


def test_another_reading_keeps_the_words_in_the_title() -> None:
    text = "Ignition (Remix)"
    assert _pieces(text) == {"title": "Ignition", "version:remix": "(Remix)"}
    assert _pieces(text, 1) == {"title": text}
    assert [spanned.reading for spanned in read_spans(text)] == list(read_title(text))


@given(st.text(min_size=1, max_size=60), st.booleans())
def test_spans_lie_in_the_text(text: str, video: bool) -> None:
    for spanned in read_spans(text, video=video):
        assert spanned.reading.source_text == text
        assert all(0 <= span.start <= span.end <= len(text) for span in spanned.spans)


@given(st.text("!?.-()[]\"'~ /|…", max_size=12))
def test_signs_alone_are_read(text: str) -> None:
    assert read_version(text) == ()
    assert all(reading.base for reading in read_title(text, version="!"))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Ana Rio - Blue Door feat. Ben Lago", ("blue door", "ana rio", ("ben lago",))),
        ("Ana Rio / Blue Door ft. Ben Lago (Official Video)", ("blue door", "ana rio", ("ben lago",))),
        ("Ana Rio feat. Ben Lago - Blue Door", ("blue door", "ana rio", ("ben lago",))),
        ('Ana Rio - Ben Lago "Blue Door"', ("blue door", "ana rio", ())),
    ],
)
def test_a_guest_behind_the_title_of_a_video(title: str, expected: tuple[str, str, tuple[str, ...]]) -> None:
    reading = read_title(title, video=True, artist="some channel")[0]
    assert (reading.base, reading.artist, reading.credits) == expected


@pytest.mark.parametrize(
    ("title", "base", "artist"),
    [
        ("Blue Door by Ana Rio", "blue door", "ana rio"),
        ("Blue Door performed by The Lake and The Sea", "blue door", "lake and the sea"),
        ("ANA RIO blue door", "blue door", "ana rio"),
        ("Ana Rio: Blue Door", "blue door", "ana rio"),
        ("Ana Rio- Blue Door", "blue door", "ana rio"),
        ("Ana Rio -Blue Door", "blue door", "ana rio"),
        ('"Blue Door" ~ Ana Rio', "blue door", "ana rio"),
        ("Ana Rio-Blue Door", "blue door", "ana rio"),
        ("Ana Lago. Blue Door", "blue door", "ana lago"),
        ("ANA RIO....blue door. (1963)", "blue door", "ana rio"),
    ],
)
def test_a_video_without_a_spaced_separator_has_a_reading_more(title: str, base: str, artist: str) -> None:
    readings = read_title(title, video=True, artist="some channel")
    assert readings[0].artist is None
    assert (base, artist) in {(reading.base, reading.artist) for reading in readings[1:]}
    assert all(reading.artist is None for reading in read_title(title, artist="some channel"))


@pytest.mark.parametrize(
    "title",
    [
        "Step by Step",
        "Down by the River",
        "Stand by Me Now",
        "LOVE",
        "LOVE me",
        "2001: A Space Opera",
        "Anne-Marie",
        "Mr. Blue",
        "Blue Door...",
    ],
)
def test_words_of_a_video_that_set_nothing_apart(title: str) -> None:
    assert [reading.artist for reading in read_title(title, video=True, artist="some channel")] == [None]


def test_a_dated_performance_is_a_live_take_and_a_dated_recording_is_not() -> None:
    assert read_title("Blue Door (1949 Moscow performance)")[0].versions[0].type == "live"
    assert read_title("Blue Door (Recorded 1963)")[0].versions[0].type == "other"
    assert read_title("Blue Door (Performance)")[0].versions == ()
