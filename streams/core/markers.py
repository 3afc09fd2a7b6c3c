# ruff: noqa: E501 - tables of words read better unbroken
"""The words that titles are qualified with, by what they say and by language; :mod:`.phrases` tells how they are written."""

from streams.core.phrases import Words

VERSIONS: dict[str, Words] = {
    # Order matters: the more specific type stands first, and takes words from those below it.
    "karaoke": {
        "*": "karaoke|karaokê|caraoke|playback", "en": "in the style of|originally performed by|made famous by|sing/singalong along|singalong",
        "fr": "karaoké", "ja": "カラオケ", "ko": "노래방", "zh": "卡拉|k歌版", "ru": "караоке",
    },
    "instrumental": {
        "*": "instrumental/instrumentals|inst|off vocal|mr ver|mr $", "en": "backing track|no/without vocals|minus one", "es": "pista instrumental|sin voz",
        "pt": "sem voz", "fr": "instrumentale|sans voix|bande orchestre", "de": "instrumentalversion/instrumentalfassung|ohne gesang",
        "it": "strumentale|base musicale|senza voce", "ru": "минус/минусовка|инструментал*", "ja": "オフボーカル|インスト|インストゥルメンタル|歌なし",
        "ko": "반주|연주곡", "zh": "伴奏|纯音乐|純音樂", "tr": "enstrümantal|altyapı|sözsüz",
    },
    "a_cappella": {
        "*": "a/à cappella/capella/capela/acapella|acappella/acapella/accapella/acapela", "en": "vocals/vocal/voice only|isolated vocals", "es": "solo/sólo voz",
        "fr": "voix seule", "ru": "а капелла/капела|акапелла", "ja": "アカペラ", "ko": "아카펠라", "zh": "清唱|阿卡贝拉",
    },
    "sped_up": {
        "*": "nightcore", "en": "sped/speed/speeded up|spedup|speedup", "es": "acelerado/acelerada", "fr": "accéléré/accélérée", "de": "beschleunigt/beschleunigte",
        "it": "velocizzato/velocizzata/accelerato/accelerata", "ru": "ускоренн*|спид ап|найткор", "ja": "スピードアップ|ナイトコア|倍速",
        "ko": "스피드업|스페드업|배속", "zh": "加速", "tr": "hızlandırılmış|hızlı",
    },
    "slowed": {
        "*": "daycore", "en": "slowed|slowed down|slowed reverb|slowed and/n reverb|reverb|chopped and/n screwed", "es": "ralentizado/ralentizada/lenta",
        "pt": "desacelerado/desacelerada/lenta", "fr": "ralenti/ralentie|au ralenti", "de": "verlangsamt/verlangsamte", "it": "rallentato/rallentata", "ru": "замедленн*",
        "ja": "スローダウン|スロー版", "ko": "슬로우드|느린 버전", "zh": "降速|慢速", "tr": "yavaşlatılmış",
    },
    "mashup": {"*": "mashup|mash up", "ru": "мэшап|мэш ап", "ja": "マッシュアップ", "ko": "매시업|매쉬업", "zh": "混搭"},
    "dj_mix": {"*": "dj mix|megamix", "en": "mixed by|continuous mix", "ru": "мегамикс", "ja": "ノンストップ"},
    "medley": {
        "*": "medley|potpourri|pot pourri", "es": "popurrí", "pt": "pout pourri|poutpourri", "ru": "попурри", "ja": "メドレー", "ko": "메들리",
        "zh": "串烧|串燒|联唱|聯唱", "tr": "potpuri",
    },
    "ai_voice": {
        "*": "ai/a.i cover/voice/version/vocals/remix|ai generated|ai covered by", "es": "voz/versión/cover ia|ia cover|voz de ia", "pt": "voz/versão/cover ia|voz de ia",
        "fr": "voix/reprise ia|voix d'ia", "de": "ki cover/stimme/version", "it": "voce/cover ia|voce di ia", "ru": "ии кавер/голос/версия|нейросеть|нейрокавер|нейро кавер",
        "ja": "ai カバー/ボイス|aiカバー", "ko": "ai 커버/보이스|인공지능 커버", "zh": "ai 翻唱|ai翻唱", "tr": "yapay zeka|yapay zekâ",
    },
    "parody": {
        "en": "parody|lyrical adaptation/adaption", "es": "parodia", "pt": "paródia", "fr": "parodie", "ru": "пародия", "ja": "パロディ|替え歌",
        "ko": "패러디", "zh": "恶搞|惡搞", "tr": "parodi",
    },
    "remaster": {
        "en": "remaster/remastered/remastering|re master/mastered|digital/digitally remaster/remastered|digitally re mastered", "es": "remasterizado/remasterizada",
        "pt": "remasterizado/remasterizada/remasterização", "fr": "remasterisé/remasterisée/remastérisé/remastérisée", "de": "remastert|neu gemastert",
        "it": "rimasterizzato/rimasterizzata", "ru": "ремастер*", "ja": "リマスター", "ko": "리마스터", "zh": "重制版|重製版|数码修复",
    },
    "remix": {
        "*": "remix/remixed/remixes/rmx|re mix/mixed|bootleg|rework|refix|flip|vip|vip mix|dub|dub mix/version", "en": "club/dance/house mix|extended club mix",
        "es": "remezcla", "fr": "remixé", "ru": "ремикс", "ja": "リミックス", "ko": "리믹스", "zh": "混音|重混",
    },
    "acoustic": {
        "en": "acoustic/acoustical/acoustically|unplugged|stripped|piano version", "es": "acústico/acústica/acustico/acustica|desenchufado|versión piano",
        "pt": "voz e violão", "fr": "acoustique|version piano", "de": "akustik/akustikversion/akustikfassung/akustisch/akustische|klavierversion/klavierfassung", "ru": "акустик*|акустическ*",
        "ja": "アコースティック|アンプラグド|弾き語り", "ko": "어쿠스틱|언플러그드", "zh": "不插电|不插電", "tr": "akustik",
    },
    "live": {
        "*": "live", "en": "in concert|concert version|tiny desk", "es": "en vivo/directo/concierto|dvd en vivo", "pt": "ao vivo|dvd ao vivo", "fr": "en concert/public/direct",
        "de": "konzert|konzertmitschnitt|im konzert", "it": "dal vivo|in concerto", "ru": "концерт*|живьём|живьем|вживую|живой звук|живая версия|живое выступление/исполнение|лайв",
        "ja": "ライブ|ライヴ|生演奏|コンサート", "ko": "라이브|콘서트", "zh": "现场|現場|演唱会|演唱會", "tr": "canlı|canlı performans|konser/konseri/konserden",
    },
    "demo": {
        "*": "demo/demos", "en": "rough mix|work in progress", "es": "maqueta", "fr": "démo|maquette", "it": "provino", "ru": "демо|демо версия/запись|демоверсия",
        "ja": "デモ", "ko": "데모", "zh": "小样|樣帶|样带",
    },
    "rerecording": {
        "en": "rerecord/rerecorded/rerecording|re record/recorded/recording|new recording", "es": "regrabado/regrabada/regrabación|nueva grabación",
        "pt": "regravado/regravada/regravação|nova gravação", "fr": "réenregistr*|nouvel enregistrement", "de": "neuaufnahme|neu eingespielt",
        "it": "reinciso/reincisa|nuova registrazione/incisione", "ru": "перезапис*", "ja": "再録|新録", "ko": "재녹음", "zh": "重录|重錄", "tr": "yeniden kayıt",
    },
    "session": {
        "en": "session/sessions|maida vale", "es": "sesión/sesion/sesiones", "pt": "sessão/sessões", "it": "sessione", "ru": "сессия/сессии", "ja": "セッション",
        "ko": "세션",
    },
    "cover": {
        "*": "cover/covers|cover version", "en": "tribute|tribute to", "es": "versión/version de|tributo|homenaje a", "pt": "versão de", "fr": "reprise de|hommage à",
        "de": "coverversion|tribut", "it": "omaggio a|cover di", "ru": "кавер|кавер версия|трибьют", "ja": "カバー|歌ってみた|弾いてみた|トリビュート",
        "ko": "커버", "zh": "翻唱|翻弹",
    },
    "language": {
        "en": "english/spanish/french/german/italian/portuguese/japanese/korean/chinese/mandarin/cantonese/russian/turkish/hindi/arabic/greek/latin/polish/dutch/swedish version/ver/mix/language",
        "es": "versión/version en español/inglés/francés/italiano/portugués/alemán/catalán/japonés/coreano|versión/version española/inglesa/francesa/italiana|en español/inglés/francés/italiano/portugués",
        "pt": "versão/versao em inglês/português/espanhol/francês/italiano/japonês|versão inglesa/portuguesa/espanhola|em inglês/português/espanhol",
        "fr": "version française/anglaise/espagnole/italienne/allemande/japonaise|en français/anglais/espagnol/italien/allemand",
        "de": "deutsche/englische/französische/italienische/spanische version/fassung|auf deutsch/englisch/französisch/italienisch/spanisch",
        "it": "versione italiana/inglese/francese/spagnola/tedesca|in italiano/inglese/francese/spagnolo/tedesco",
        "ru": "русская/английская/испанская/немецкая/французская/итальянская версия|на русском/английском/испанском/немецком/французском|на русском/английском языке",
        "ja": "日本語版|英語版|韓国語版|中国語版|日本語バージョン|英語バージョン|日本語 ver|英語 ver|韓国語 ver|日本語 バージョン",
        "ko": "한국어버전|영어버전|일본어버전|중국어버전|한국어 버전/ver|영어 버전/ver|일본어 버전/ver|중국어 버전/ver",
        "zh": "国语版|國語版|粤语版|粵語版|英文版|日文版|中文版|韩文版|韓文版|闽南语版|台語版",
        "tr": "türkçe/ingilizce/almanca/fransızca/ispanyolca/italyanca versiyon/versiyonu/sürüm/sürümü",
    },
    "excerpt": {
        "en": "intro|excerpt|excerpts|snippet|preview|teaser|ringtone|short clip", "es": "extracto|fragmento|avance", "pt": "trecho|prévia", "fr": "extrait|aperçu",
        "de": "auszug|ausschnitt|hörprobe", "it": "estratto|frammento|anteprima", "ru": "отрывок|фрагмент", "ja": "抜粋|試聴", "ko": "발췌|미리듣기", "zh": "片段|试听|試聽",
        "tr": "kesit|alıntı",
    },
    "edit": {
        "*": "edit/edited|radio/single/extended/short/video/film/tv/movie/album edit|12/7 inch|12/7 inch mix/version/single|12/7 mix/version/single|tv size",
        "en": "radio version/mix|extended|extended mix/version|short/long/full version/ver|full length version|single version/mix",
        "es": "versión/version corta/larga/extendida/radio/sencillo/single/completa|edición de radio",
        "pt": "versão/versao curta/longa/estendida/rádio/single/completa", "fr": "version courte/longue/radio/single/intégrale",
        "de": "radioversion/kurzversion/langversion/singleversion/maxiversion/kurzfassung/langfassung|radio/single/maxi version|kurze/lange version/fassung",
        "it": "versione breve/corta/lunga/estesa/radiofonica/radio/singolo/integrale",
        "ru": "радио версия/эдит|радиоверсия|радиоэдит|короткая/длинная/полная/расширенная версия|сингл версия",
        "ja": "ショートバージョン|ショートサイズ|フルサイズ|フルバージョン|ロングバージョン|サイズ|ラジオエディット|ショート ver|フル ver",
        "ko": "라디오에디트|라디오 에디트/버전|숏버전|숏 버전|짧은 버전|긴 버전|풀버전|풀 버전", "zh": "电台版|電台版|短版|加长版|加長版|完整版|剪辑版",
        "tr": "radyo edit/versiyonu|kısa/uzun versiyon",
    },
    "explicit": {
        # Before "clean", of whose words some of these are made.
        "en": "explicit|explicit version|uncensored|dirty|dirty version", "es": "explícito/explícita|sin censura", "pt": "sem censura", "fr": "explicite|non censuré/censurée",
        "de": "unzensiert|explizit", "it": "esplicito/esplicita|senza censura", "ru": "без цензуры|с матом", "ko": "19금", "tr": "sansürsüz",
    },
    "clean": {
        "en": "clean|clean version|censored", "es": "versión limpia|censurado/censurada", "pt": "versão limpa", "fr": "censuré/censurée|version censurée",
        "de": "zensiert", "it": "versione pulita|censurato/censurata", "ru": "без мата|с цензурой|цензурная версия", "zh": "净化版|和谐版", "ko": "클린버전|클린 버전",
        "tr": "sansürlü",
    },
    "mono": {"*": "mono|mono version/mix/single", "ru": "моно", "ja": "モノラル", "ko": "모노"},
    "stereo": {"*": "stereo|stereo version/mix", "es": "estéreo", "fr": "stéréo", "ru": "стерео", "ja": "ステレオ", "ko": "스테레오"},
    "full_album": {
        "en": "full album", "es": "álbum/album completo", "pt": "disco completo", "fr": "album complet/entier", "de": "ganzes/komplettes album", "it": "album intero",
        "ru": "полный/весь альбом", "ja": "フルアルバム", "ko": "앨범 전곡|전곡 듣기", "zh": "全专辑|整张专辑|全專輯", "tr": "full albüm|tüm albüm",
    },
    "album": {
        "en": "album version|original/the album version|lp version|main/standard/regular version|main mix|original mix/version/recording|studio|studio version/recording",
        "es": "versión/version álbum/album/original|versión del álbum|versión de/en estudio", "pt": "versão álbum/original|versão do álbum|versão de/em estúdio",
        "fr": "version album/originale/studio|version de l'album", "de": "albumversion/originalversion/originalfassung/originalaufnahme/studioversion/studiofassung/studioaufnahme",
        "it": "versione album/originale/studio|versione dell'album|versione in/da studio", "ru": "альбомная версия|оригинал|оригинальная версия|студийная версия/запись",
        "ja": "アルバムバージョン|アルバム ver|原曲|オリジナル", "ko": "앨범버전|앨범 버전/ver|원곡|오리지널", "zh": "原版|专辑版|專輯版|录音室版|錄音室版",
        "tr": "albüm versiyonu|orijinal|orijinal versiyon|stüdyo|stüdyo versiyonu/kaydı",
    },
    "mix": {"*": "# mix|# stereo mix|new mix|immersive|dolby atmos|atmos|5 1|8d|8d audio", "en": "spatial audio|anniversary mix", "de": "neuer mix", "ja": "空間オーディオ"},
    "alternative": {
        "en": "alternate/alternative|alternate/alternative version/take/mix|outtake|take #|early version|rehearsal", "es": "versión/toma alternativa|toma #|ensayo",
        "pt": "versão alternativa|ensaio|tomada #", "fr": "version/prise alternative|prise #|répétition", "de": "alternative fassung|probe|probenaufnahme",
        "it": "versione alternativa", "ru": "альтернативная версия|дубль #|репетиция", "ja": "別テイク|別バージョン|リハーサル", "ko": "다른 버전|리허설",
        "zh": "另类版|排练", "tr": "alternatif versiyon|prova",
    },
}  # fmt: skip

IN_ONE_LANGUAGE: dict[str, dict[str, Words]] = {"fr": {"cover": {"fr": "reprise"}}}
"""Words that are a version where the sender says the language; elsewhere (a reprise in a musical) part of a title."""

ANY_MIX: Words = {"*": "mix/mixes", "es": "mezcla", "ru": "микс", "ja": "ミックス", "ko": "믹스"}
"""A mix that no word above types is somebody's: a remix."""

ANY_VERSION: Words = {
    "*": "ver/vers", "en": "version", "es": "versión", "pt": "versão/versao", "it": "versione", "de": "fassung", "ru": "версия", "ja": "バージョン|版",
    "ko": "버전", "zh": "版本", "tr": "versiyon/versiyonu/sürüm/sürümü",
}  # fmt: skip
"""A version that no word above types is another one."""

CREDITED: Words = {
    # At the start of brackets, or of what follows a spaced separator.
    "*": "feat/featuring/ft", "en": "with|prod|prod by|produced by|duet with", "es": "con|con la participación/colaboración de|junto a|a dúo con",
    "pt": "com|part|participação|participação especial|participação especial de|participação de", "fr": "avec|en duo avec", "de": "mit|im duett mit",
    "it": "insieme a|in duetto con", "ru": "при участии|совместно с|вместе с|дуэт с", "ja": "フィーチャリング", "ko": "피처링|피쳐링", "zh": "合作", "tr": "düet",
}  # fmt: skip
FEATURED: Words = {
    "*": "feat/featuring/ft",
    "ru": "при участии",
    "ja": "フィーチャリング",
    "ko": "피처링|피쳐링",
}
"""Words of credit that count anywhere but at the start of a title."""

PERFORMED_BY: Words = {
    "en": "by|performed/sung by|cover/covered by", "es": "interpretado/interpretada/cantada por", "pt": "cantada por", "fr": "interprété/chanté par", "de": "gesungen von",
    "it": "cantata da", "ru": "исполняет|в исполнении",
}  # fmt: skip

MEDIA: dict[str, Words] = {
    "lyric_video": {
        "en": "lyric/lyrics video|lyrics/lyric", "es": "letra|con letra", "pt": "legendado/legendada", "fr": "paroles", "de": "songtext|mit text", "it": "testo|con testo",
        "ru": "текст|текст песни|с текстом", "ja": "歌詞", "ko": "가사", "zh": "歌词|動態歌詞", "tr": "sözleri",
    },
    "visualizer": {"*": "visualizer/visualiser/visualizador|visual video", "ru": "визуалайзер", "ja": "ビジュアライザー"},
    "audio": {
        "en": "audio|stream|track stream|topic", "es": "audio oficial", "pt": "áudio|áudio oficial", "fr": "audio officiel", "de": "offizielles audio", "it": "audio ufficiale",
        "ru": "аудио", "ja": "音源", "ko": "음원", "zh": "音频", "tr": "resmi ses",
    },
    "official_video": {
        "*": "mv|m v|pv|p v|videoclip/videoclipe|video/vidéo clip|video/vidéo/clip/clips/clipe", "en": "official/music video|official music video", "es": "vídeo|video/vídeo oficial/musical",
        "fr": "clip officiel|vidéo officielle", "de": "musikvideo|offizielles video/musikvideo", "it": "video ufficiale", "ru": "клип|видео|видеоклип|официальный клип|официальное видео",
        "ja": "ミュージックビデオ|公式", "ko": "뮤직비디오|뮤직 비디오|뮤비|공식", "zh": "官方", "tr": "klip|resmi klip/video",
    },
}  # fmt: skip
WEAK_MEDIA = frozenset(
    {
        "audio",
        "stream",
        "topic",
        "video",
        "vidéo",
        "vídeo",
        "clip",
        "clips",
        "clipe",
        "видео",
        "text",
        "letra",
        "testo",
        "lyric",
    }
)
"""Words that say how a title is shown only where nothing but such words stands beside them."""

NOISE: Words = {
    # A qualifier made of nothing else says nothing that the recording would not be without.
    "*": "hd|hq|4k|8k|uhd|1080p/720p/480p|hi res|hires|vevo|ost|full hd|mp3|# kbps|320kbps|soundtrack",
    "en": "official|full song|new|free download/dl|out now|premiere|world premiere|with/w lyrics|high quality|full version hd|bonus|single|bonus track/tracks|album track"
    "|stereo|explicit|sub/subs/subtitle/subtitles/subtitled|english/eng sub/subs/subtitle/subtitles|with english subtitles|original soundtrack|original motion picture soundtrack|motion picture soundtrack"
    "|deluxe|expanded|super/deluxe/expanded/anniversary/special/limited/legacy/collector's/digital/tour edition|deluxe/expanded version|super deluxe edition|bonus track edition|expanded edition|edition|box set"
    "|reissue/reissued|re issue/issued|anniversary",
    "es": "oficial|edición especial/deluxe/limitada|banda sonora|banda sonora original|nuevo/nueva|pista/tema adicional|tema extra|sub/subtitulado/subtitulada español/inglés|subtitulado/subtitulada",
    "pt": "edição especial/deluxe/limitada|trilha sonora|lançamento|faixa bônus/bonus", "fr": "officiel/officielle/oficiel|édition spéciale/deluxe/limitée|bande originale|nouveauté|titre bonus|piste bonus|sous titres",
    "de": "bonustrack|offiziell/offizielle/offizieller/offizielles|sonderausgabe|neu|original soundtrack", "it": "ufficiale|edizione speciale/deluxe/limitata|colonna sonora|nuovo|sottotitoli|traccia bonus",
    "ru": "официальн*|премьера|премьера клипа/песни|новинка|саундтрек|бонус трек/песня|бонустрек", "ja": "公式|高音質|高画質|主題歌|サウンドトラック|新曲|ボーナストラック", "ko": "공식|고음질|신곡|보너스트랙|보너스 트랙",
    "zh": "官方|高清|高音质|无损|主题曲|主題曲|片头曲|片尾曲|新歌", "tr": "resmi|yeni|bonus parça/şarkı",
}  # fmt: skip
FILLERS: Words = {"en": "music|full|in|with|w|and", "es": "y", "fr": "et", "de": "und"}
"""Words that noise stands among."""
ENDING_NOISE: Words = {
    "en": "album/bonus track", "ja": "主題歌|挿入歌|テーマ曲|テーマソング|オープニングテーマ|エンディングテーマ", "ko": "주제곡|주제가|삽입곡",
    "zh": "主题曲|主題曲|插曲|片头曲|片頭曲|片尾曲|推广曲|推廣曲|宣传曲|宣傳曲",
}  # fmt: skip
"""Noise, whatever stands before it: of which film a song is."""
TAKEN_FROM: Words = {
    # At the start of a qualifier, whatever follows: where the song was heard.
    "en": "from|taken from", "es": "de la película/serie/telenovela", "pt": "do filme|da novela/série", "fr": "tiré de|extrait de|du film", "de": "aus dem film/musical|aus der serie",
    "it": "dal film|dalla serie", "ru": "из фильма/сериала/мультфильма|из к ф", "tr": "filminden",
}  # fmt: skip

TRAILING: Words = {
    # What stands at the end of a title without brackets, and says how it is shown and not what it is.
    "*": "hd|hq|4k|mv|m v|pv|p v|video clip oficial/officiel/official/oficiel|videoclip/videoclipe|videoclip oficial/oficiel/officiel|video/vidéo clip|clip",
    "en": "video/audio|official/music/lyric/lyrics video/audio|official music/lyric/lyrics video|video/audio hd/hq/4k|official video hd/hq/4k|with lyrics|lyrics|reissue|re issue",
    "es": "vídeo/video oficial|letra|con letra|sub español/inglés|subtitulado/subtitulada|subtitulado/subtitulada español", "pt": "clipe oficial|legendado",
    "fr": "clip officiel|paroles", "de": "offizielles video/musikvideo|musikvideo", "it": "video ufficiale", "ru": "клип|официальный клип|видеоклип", "ja": "公式",
    "ko": "공식|가사|뮤비", "zh": "官方", "tr": "resmi klip|sözleri",
}  # fmt: skip
TRAILING_OF_VIDEOS = frozenset({"clip", "letra", "paroles", "testo", "legendado", "clipe", "клип", "sözleri"})
"""Of these, what is a word of titles as well: only a video platform adds it."""
TRAILING_VERSIONS: Words = {
    # Likewise, and it says which version.
    "*": "nightcore|off vocal|inst|full album|# remaster/remastered|remaster/remastered|remaster/remastered #|re mastered|karaoke",
    "en": "karaoke/acoustic/instrumental/piano/radio/single/album/demo/live/extended/english/spanish/french/studio/original version/edit/mix/cover/session|sped up|slowed|slowed reverb|slowed and reverb",
    "es": "en vivo/directo|versión/version acústica/acustica/original/instrumental/karaoke/extendida|versión en vivo|álbum/album completo",
    "pt": "ao vivo|versão acústica/original/instrumental/karaokê/estendida|versão ao vivo", "fr": "en concert/live|version acoustique/instrumentale/karaoké/originale/longue/courte",
    "de": "akustikversion/instrumentalversion/karaokeversion/singleversion/albumversion/radioversion", "it": "dal vivo|versione acustica/strumentale/karaoke/originale/integrale",
    "ru": "акустическая/концертная/студийная/альбомная версия|караоке|минусовка", "ja": "カラオケ|歌ってみた|ライブ映像", "ko": "노래방|반주|mr 반주|어쿠스틱/라이브/피아노 버전/ver",
    "zh": "现场版|現場版|伴奏版|翻唱|国语版|國語版|粤语版|粵語版|英文版", "tr": "canlı|canlı performans|akustik|akustik versiyon|enstrümantal",
}  # fmt: skip
LIVING = frozenset(
    "i we you they she he who to that people could can will would not never long where how cant dont must us me and".split()
)
"""Before these words "live in" is what somebody does, not where a song was played."""
STAGED: Words = {
    # With a place behind it, to the end of the title.
    "en": "live at/in/from/on", "es": "en vivo en/desde|en directo en/desde", "pt": "ao vivo em/no/na", "fr": "en concert à/au", "de": "live aus/im/bei", "it": "dal vivo a/al/in",
}  # fmt: skip

NUMBERS: dict[str, Words] = {
    # Before the number.
    "part": {
        "en": "part|parts|pt", "es": "parte", "pt": "parte", "fr": "partie", "de": "teil", "it": "parte", "ru": "часть|ч", "nl": "deel", "tr": "bölüm|kısım",
        "ja": "パート", "ko": "파트",
    },
    "volume": {"*": "vol", "en": "volume", "es": "volumen", "de": "band", "ru": "том", "tr": "cilt"},
    "book": {"en": "book", "fr": "livre|cahier", "de": "buch|heft", "it": "libro|quaderno", "es": "libro|cuaderno", "pt": "livro|caderno", "ru": "тетрадь"},
    "variation": {"*": "var|variatio", "en": "variation", "it": "variazione", "es": "variación", "pt": "variação", "ru": "вариация"},
    "act": {"en": "act", "es": "acto", "fr": "acte", "de": "akt", "it": "atto", "ru": "акт|действие"},
    "scene": {"en": "scene", "es": "escena", "fr": "scène", "de": "szene", "it": "scena", "ru": "сцена"},
    "opus": {"*": "op", "en": "opus", "ru": "соч|сочинение|ор", "ja": "作品", "ko": "작품", "zh": "作品"},
    "number": {"*": "no|nos|nr|num", "en": "number", "es": "núm", "fr": "numéro", "de": "nummer", "it": "numero"},
    "movement": {"en": "movement|movt|mov|mvt", "es": "movimiento", "pt": "movimento", "fr": "mouvement", "it": "movimento"},
}  # fmt: skip
NUMBERED: dict[str, Words] = {
    # Around the number, or after it: patterns.
    "movement": {
        "de": r"(\d+)\. satz", "fr": r"(\d+)(?:er|e|ère|ème) mouvement", "ru": r"(\d+)(?:-я)? часть", "ja": r"第?(\d+|[一二三四五六七八九十])楽章",
        "zh": r"第?(\d+|[一二三四五六七八九十])[乐樂]章", "ko": r"제? ?(\d+) ?악장",
    },
    "number": {"ja": r"第(\d+|[一二三四五六七八九十])番", "zh": r"第(\d+|[一二三四五六七八九十])[号號首]", "ko": r"제? ?(\d+) ?번"},
    "part": {"ja": r"第(\d+|[一二三四五六七八九十])[部話]", "zh": r"第(\d+|[一二三四五六七八九十])[部集]", "ko": r"제? ?(\d+) ?부"},
    "volume": {"ja": r"第?(\d+)巻", "zh": r"第?(\d+)[卷辑輯]", "ko": r"제? ?(\d+) ?권"},
}  # fmt: skip
