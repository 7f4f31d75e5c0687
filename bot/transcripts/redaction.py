"""Mask what identifies a person before a text is stored. Pure functions.

`redact` masks numbers and e-mail addresses, as soon as a message comes in. `redact_turn` also masks
addresses and names, with the help of what the language model found; transcripts go through it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.transcripts import names

_D = "\\-\u2010-\u2015\u2212"  # the dashes of a keyboard, of a phone's autocorrection, of Word
_S = rf"[ ()/{_D}]*"  # what may stand between the digits of a phone number
_NO_MORE = rf"(?![\w-]|[ :./{_D}]{{1,2}}\d)"  # no phone number begins there
# Plates have no I, Q or V and no Å, Ä, Ö; the last sign may be a letter but no O.
_PLATE_APART = r"[A-HJ-PR-UW-Z]{3}[ -]?\d{2}[\dA-HJ-NPR-UW-Z]"
_PLATE = _PLATE_APART.replace("[ -]?", "")
_CONSONANTS = "[bcdfghjklmnprstwxz]{3}"
_NO_PLATE = (
    "(?i:all|att|bor|bra|bus|dnr|dag|den|det|dom|ett|fem|från|han|har|hem|hon|hos|hur|hus|jan|jag|kan"
    "|kap|kom|lag|lgh|maj|max|med|men|mer|nej|ner|nog|nr|och|okt|par|per|pkt|reg|rum|sen|sep|ser|sex"
    "|sfs|ska|sms|som|sos|stn|str|tal|tar|tel|tog|tre|tsk|tåg|ute|var)"
)
_CAR = (
    r"(?:reg(?:istrerings)?\.? ?-?(?:nr|nummer|skylt|plåt)?\.?|(?:nummer)?(?:skylt|plåt)(?:en|ar)?"
    r"|\w*bil(?:en)?|volvo|bmw|audi|saab|toyota|ford|mopp?e(?:den|n|d)?)"
)
_GIRO = r"(?:bankgiro|plusgiro|postgiro|bg|pg)(?:t|nummer|nr)?\b"
_ACCOUNT = r"(?:clearing|konto|bankkonto|lönekonto|sparkonto)(?:nummer|nr)?\b"
_T = rf"(?:[ ()/{_D}]|\.(?=\d))*"  # and with a country code before, when it can't be a date
Shapes = tuple[tuple[str, re.Pattern[str]], ...]
# Order matters: the longest and most certain shapes first.
_SHAPES: Shapes = (
    # only from the beginning of a word, or a long word without @ is read once for each letter
    ("e-post", re.compile(r"(?<![\w.+&'~-])[\w.+&'~-]+@[\w-]+(?:\.[\w-]+)+")),
    ("kontonummer", re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?\d{4}){3,7}(?: ?\d{1,3})?(?!\d)")),
    ("regnummer", re.compile(rf"(?<![\w-])(?!{_NO_PLATE})(?:{_PLATE}|{_PLATE.lower()})(?![\w-])")),
    ("regnummer", re.compile(rf"(?<![\w-])(?!{_NO_PLATE}){_PLATE_APART}{_NO_MORE}")),
    # three consonants are no word
    (
        "regnummer",
        re.compile(rf"(?<![\w-])(?!{_NO_PLATE}){_CONSONANTS} \d{{2}}[\da-hj-npr-uw-z]{_NO_MORE}"),
    ),
    (
        "regnummer",
        re.compile(
            rf"(?i:\b{_CAR}\b[^\w\n\[]{{0,3}}(?:är |nr |nummer |med )?)"
            rf"(?P<it>(?i:(?!{_NO_PLATE}){_PLATE_APART}|{_PLATE})){_NO_MORE}"
        ),
    ),
    (
        "kontonummer",
        re.compile(rf"(?i:\b{_GIRO})(?: är|:| nr\.?)? *(?P<it>\d(?:[ {_D}]?\d){{4,9}})(?!\d)"),
    ),
    (
        "kontonummer",
        re.compile(
            rf"(?i:\b{_ACCOUNT})[ .]?(?:är|:|nr\.?)? *"
            rf"(?P<it>\d(?:[ .,{_D}]{{0,3}}\d){{3,18}})(?! ?(?:kr|\d))"
        ),
    ),
    # mobile numbers and country codes first: ten digits may look like a personnummer too
    ("telefon", re.compile(rf"(?<![\d{_D}])07[02369]\d{{7}}(?!\d)")),
    (
        "telefon",
        re.compile(rf"(?<![\d{_D}])(?:\+|00)46{_T}(?:0{_T})?[1-9](?:{_T}\d){{6,8}}(?![{_D}]?\d)"),
    ),
    (
        "telefon",
        re.compile(rf"(?<![\d{_D}])(?:\+|00)(?!46)[1-9]\d{{0,2}}(?:{_T}\d){{6,12}}(?![{_D}]?\d)"),
    ),
    ("kortnummer", re.compile(rf"(?<![\d+])(?:\d{{4}}[ .{_D}]?){{3,6}}\d{{1,7}}(?!\d)")),
    (
        "personnummer",
        re.compile(
            rf"(?<!\d)(?:19|20)?\d{{2}}([ {_D}]?)(?:0[1-9]|1[0-2])\1"
            rf"(?:0[1-9]|[12]\d|3[01]|[678]\d|9[01]) ?[+{_D}]? ?\d{{4}}(?![{_D}]?\d)"
        ),
    ),
    ("organisationsnummer", re.compile(rf"(?<!\d)\d{{2}}[2-9]\d{{3}} ?[{_D}] ?\d{{4}}(?!\d)")),
    ("telefon", re.compile(rf"(?<![\d{_D}])07[02369](?:[ ()/.{_D}]*\d){{7}}(?![{_D}]?\d)")),
    (
        "telefon",
        re.compile(rf"(?<![\d/.{_D}])(?:\((?=0))?0{_S}[1-9](?:{_S}\d){{6,8}}(?![{_D}]?\d)"),
    ),
    # a legal person's number without its dash; a phone number begins with 0
    ("organisationsnummer", re.compile(r"(?<![\d+])[1-9]\d[2-9]\d{7}(?!\d)")),
    ("nummer", re.compile(rf"(?<!\d)\d(?:[ {_D}]?\d){{8,}}(?!\d)")),
)
_NUMBER_OR_MAIL = re.compile(r"[\d@]")
CONTACT = frozenset({"e-post", "telefon", "organisationsnummer"})
"""What a business may leave in a form."""
SENSITIVE = frozenset({"kortnummer", "kontonummer", "personnummer", "nummer"})
"""What nobody needs to leave in a chat."""
# Dates, times and amounts are no personal data and must stay readable.
_DATE = r"(?:(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|[0-3]?\d-[01]?\d-20\d{2})"
_CLOCK = r"(?:[01]\d|2[0-4])[ .]?[0-5]\d"
_HARMLESS = re.compile(
    rf"{_DATE}(?: ?[{_D} ] ?{_DATE})*(?: \d{{1,2}}(?: ?[{_D}] ?\d{{1,2}})?)?"
    rf"|{_CLOCK} ?[{_D}] ?{_CLOCK}"
    r"|\d{1,3}(?: \d{3})*(?: 000){2}"
    rf"|20\d{{2}}[{_D}]\d{{5}}"  # a case of a diary: "2026-00417"
)


def redact(
    text: str, public: frozenset[str] = frozenset(), keep: frozenset[str] = frozenset()
) -> tuple[str, frozenset[str]]:
    """Replace numbers and e-mail addresses by "[telefon]" and its like.

    `public` holds numbers as digits only that may stay (the city's own), `keep` kinds that may.
    Returns the text and the kinds that were found.
    """
    found: set[str] = set()
    if not _NUMBER_OR_MAIL.search(text):
        return text, frozenset()

    def mask(part: str, shapes: Shapes) -> str:
        if not shapes:
            return part
        (kind, shape), later = shapes[0], shapes[1:]
        made, end = "", 0
        it = "it" if "it" in shape.groupindex else 0  # what stands before only tells what it is
        for match in shape.finditer(part):
            hit, start = match[it], match.start(it)
            stays = _HARMLESS.fullmatch(hit) is not None or _digits(hit) in public
            if not stays:
                found.add(kind)
            stays = stays or kind in keep
            # what is settled here is kept away from the later shapes
            made += mask(part[end:start], later) + (hit if stays else f"[{kind}]")
            end = match.end(it)
        return made + mask(part[end:], later)

    # until nothing changes: what stood beside a masked number may be a number of its own now
    while (masked := mask(text, _SHAPES)) != text:
        text = masked
    return text, frozenset(found)


def _digits(number: str) -> str:
    """The digits of a phone number as dialled in Sweden."""
    return re.sub(r"\D", "", re.sub(rf"^(?:\+|00)46{_S}0?", "0", number))


_STREET = (
    "(?:gatan|gata|vägen|väg|vagen|gränd|gränden|grand|torget|torg|stigen|stig|backen|backe|allén|allé"
    "|leden|slingan|ringen|kroken|svängen|stråket|kajen|gången|plan|plats|gaten)"
)
_NO_STREET = (
    "(?:riks|motor|lands|europa|läns|gen|om|gång|cykel|huvud|skol|tids|vånings|handlings|markplan)"
    "(?:väg|vägen|gång|gången|plan)|(?:buss)?hållplats|(?:arbets|parkerings|lek|mötes)plats"
)
# what is counted, and the time of day: "på storgatan 3 gånger", "kungsgatan 22.30"
_UNIT = (
    r"(?:[:.]\d|%|(?:st|ggr|gång|gånger|pers|personer|ungdomar|barn|min|minuter|tim|timmar|dag|dagar"
    r"|veckor|år|månader|m|meter|mil|kr|kronor|bilar|butiker|lampor|procent|januari|februari|mars"
    r"|april|maj|juni|juli|augusti|september|oktober|november|december|jan|feb|aug|sep|okt|nov|dec"
    r")\b)"
)
_HOUSE = (
    rf" +\d{{1,3}}(?!\d)(?! ?{_UNIT})(?: ?[{_D}] ?\d{{1,3}}(?!\d))?(?: ?[A-Za-z](?!\w))?"
    r"(?:,? (?:lgh|lägenhet)\.? ?\d{1,4}|,? \d{1,2} ?tr\b)*"
)
_ADDRESS = re.compile(
    rf"(?<!\w)(?:(?!{_NO_STREET}\b)[^\W\d_]{{2,30}}{_STREET}"
    r"|[^\W\d_]{3,20}s (?:gata|väg|gränd|torg|plats|allé|stig|backe|plan)"
    rf"|(?:lilla|stora|norra|södra|östra|västra|gamla|nya|övre|nedre) [^\W\d_]{{0,30}}{_STREET}"
    rf"){_HOUSE}",
    re.IGNORECASE,
)
# streets without such an ending: "bor på Garvaren 3"
_HOME = re.compile(
    r"(?i:\bbor (?:\w{2,8} )?(?:på|i|vid)|\badress(?:en)?(?: är)?:?|\bflytta(?:t|r|de)? till"
    r"|\bhemma på)"
    rf" (?P<it>(?P<street>[^\W\d_]{{2,30}}(?: [^\W\d_]{{2,30}})?){_HOUSE})"
)
_PLACE = re.compile(rf"(?P<street>\D{{2,40}}){_HOUSE}", re.IGNORECASE)
_TOWN = re.compile(
    r"(?i:(?<!\w)box \d{1,5},? )?(?<![\d-])[1-9]\d{2} ?\d{2},? (?P<town>[^\W\d_]{2,30})"
)


def redact_turn(
    text: str,
    entities: Sequence[Mapping[str, Any]] = (),
    public: frozenset[str] = frozenset(),
    known: frozenset[str] = frozenset(),
) -> tuple[str, frozenset[str], frozenset[str]]:
    """Mask all that identifies a person in a message or an answer.

    `entities` are Rasa's of this message (they are looked for by value: their offsets belong to the
    mended text), `public` is what may stay (names.public_facts), `known` the names found earlier in
    the conversation. Returns the text, the kinds that were found and the names, in lower case.
    """
    kinds: set[str] = set()
    told: set[str] = set()
    while True:
        masked, found = redact(text, public)
        kinds |= found
        masked = _addresses(masked, entities, public, kinds)
        spans, new = names.find(masked, entities, public, known | told)
        told |= new
        for start, end in reversed(spans):
            kinds.add("namn")
            masked = f"{masked[:start]}[namn]{masked[end:]}"
        if masked == text:
            return text, frozenset(kinds), frozenset(told)
        text = masked


def _addresses(
    text: str,
    entities: Sequence[Mapping[str, Any]],
    public: frozenset[str],
    kinds: set[str],
) -> str:
    """Mask streets with the number of a house, and postcodes with their town."""

    if not _NUMBER_OR_MAIL.search(text):
        return text

    def mask(match: re.Match[str]) -> str:
        hit, parts = match.group(), match.groupdict()
        town, street, it = parts.get("town"), parts.get("street"), parts.get("it") or hit
        place = town is None or town[0].isupper() or town.casefold() in names.lists().places
        if not place or it.casefold() in public or (street and not names.strange(street)):
            return hit
        kinds.add("adress")
        return hit[: len(hit) - len(it)] + "[adress]"

    masked = _HOME.sub(mask, _TOWN.sub(mask, _ADDRESS.sub(mask, text)))
    for value in {str(one.get("value", "")) for one in entities if one.get("entity") == "LOC"}:
        found = _PLACE.fullmatch(value)
        if found and value.casefold() not in public and names.strange(found["street"]):
            whole = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE)
            masked, times = whole.subn("[adress]", masked)
            kinds |= {"adress"} if times else set()
    return masked
