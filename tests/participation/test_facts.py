"""What a message tells about a business, and what it doesn't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.load import load
from bot.participation.expression import new_reference, references
from bot.participation.facts import clean_name, facts, mends_only, person_and_role, words
from bot.settings import ROOT

CONTENT = load(ROOT / "content").participation


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Kalle@Bagarn.Example.se", "Kalle@bagarn.example.se"),
        ("mejla mig på kalle.ek+jobb@bagarn.example.se.", "kalle.ek+jobb@bagarn.example.se"),
        ("e-post: info@åkeri.example.se, tack", "info@åkeri.example.se"),
    ],
)
def test_an_email_address_is_found_and_normalised(text: str, email: str) -> None:
    assert facts(text, CONTENT).email == email


@pytest.mark.parametrize(
    "text",
    ["kalle@bagarn", "kalle@@bagarn.se", "@bagarn.se", "a b@c", "=?utf-8?q?a=0d=0aBcc=3ax?=@b.se"],
)
def test_half_an_address_is_told_from_none(text: str) -> None:
    found = facts(text, CONTENT)
    assert found.bad_email and not found.email
    assert not facts("ingen mejl har jag", CONTENT).bad_email


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("031-390 06 12", "+46313900612"),
        ("ring 070 174 06 05 efter tre", "+46701740605"),
        ("+46(0)31-3900612", "+46313900612"),
        ("0046 31 390 06 12", "+46313900612"),
        ("norskt nummer +47 22 12 34 56", "+4722123456"),
    ],
)
def test_a_phone_number_becomes_e164(text: str, phone: str) -> None:
    assert facts(text, CONTENT).phone == phone


@pytest.mark.parametrize("text", ["4712", "070-12", "031-390 06 12 34 56 78"])
def test_a_number_that_nobody_can_call_is_said_to_be_wrong(text: str) -> None:
    found = facts(text, CONTENT)
    assert found.bad_phone and not found.phone


def test_years_and_prices_are_no_phone_numbers() -> None:
    assert not facts("vi öppnade 2019 och har 12 anställda", CONTENT).bad_phone


def test_an_organisation_number_is_checked_by_its_last_digit() -> None:
    assert facts("org nr 556000-4615", CONTENT).org_number == "5560004615"
    assert facts("5560004615", CONTENT).org_number == "5560004615"
    wrong = facts("org nr 556000-4616", CONTENT)
    assert wrong.bad_org_number and not wrong.org_number


def test_a_personal_number_is_never_taken_for_an_organisation() -> None:
    assert facts("811218-9876", CONTENT).org_number == ""
    assert facts("vi har [personnummer]", CONTENT).personal_number


@pytest.mark.parametrize(
    "text",
    [
        "Mira Sand på Sandlådans Lekbutik i Sylte mira@sandladan.example.se",
        "mira sand på sandlådans lekbutik i sylte mira@sandladan.example.se",
        "hej mira sand från sandlådans lekbutik i sylte mira@sandladan.example.se",
    ],
)
def test_one_breath_fills_name_company_place_and_address(text: str) -> None:
    found = facts(text, CONTENT)
    assert found.person.lower() == "mira sand"
    assert found.company.lower() == "sandlådans lekbutik"
    assert (found.area, found.email) == ("sylte", "mira@sandladan.example.se")


def test_they_may_stand_after_what_is_wanted() -> None:
    found = facts("ok vi är med, siv på lampboden på överby, siv@lampboden.example.se", CONTENT)
    assert (found.person, found.company, found.area) == ("siv", "lampboden", "overby")
    found = facts("stölder, bråk på torget, ring siv@lampboden.example.se", CONTENT)
    assert (found.person, found.company) == ("", "")


@pytest.mark.parametrize(
    ("text", "company"),
    [
        ("firman heter Ek och Lönn AB", "Ek och Lönn AB"),
        ("oj, butiken heter Lyktan, inte Lampan", "Lyktan"),
        ("vi heter Lyktan och ligger i Lextorp", "Lyktan"),
        ("Vi på Västgöta Plåt & Svets AB har inbrott", "Västgöta Plåt & Svets AB"),
        ("polisen heter Kalle", ""),
        ("vi hör till Trollhättans Stad", ""),
    ],
)
def test_the_name_of_a_company(text: str, company: str) -> None:
    assert facts(text, CONTENT).company == company


def test_who_runs_what_is_no_name() -> None:
    told = facts("vi driver pizzeria vid resecentrum", CONTENT, [("PRS", "driver pizzeria")], True)
    assert (told.person, told.company) == ("", "")
    assert facts("hälsar Nour Ek", CONTENT, [("PRS", "Nour Ek")]).person == "Nour Ek"


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("Gull-Britt Åkerö, butikschef", ("Gull-Britt Åkerö", "butikschef")),
        ("jag heter Åke", ("Åke", "")),
        ("det är jag, Nour", ("Nour", "")),
        ("Åke Ek (vd)", ("Åke Ek", "vd")),
        ("Nour som är ägare", ("Nour", "ägare")),
        ("sami", ("sami", "")),
    ],
)
def test_a_person_and_what_they_do(text: str, pair: tuple[str, str]) -> None:
    assert person_and_role(text) == pair


@pytest.mark.parametrize(
    ("text", "agrees"),
    [
        ("ja", True),
        ("Japp, kör på", True),
        ("inget emot", True),
        ("varför inte", True),
        ("klart ni får spara, okej", True),
        ("nej", False),
        ("nä tack", False),
        ("ja nej, spara inget", False),
        ("jag samtycker inte", False),
        ("ja men inte telefonnumret", False),
        ("hur länge sparas det", None),
        ("Överby", None),
        ("", None),
    ],
)
def test_only_a_clear_yes_is_a_yes(text: str, agrees: bool | None) -> None:
    assert words().agrees(text) is agrees


def test_what_is_mended_is_no_crime() -> None:
    assert mends_only("gatlampan utanför är trasig", CONTENT)
    assert not mends_only("det är mörkt och folk stjäl cyklar", CONTENT)


def test_a_kind_of_business_may_end_a_compound() -> None:
    assert facts("Lyktan AB, lampbutik", CONTENT).kind == "butik"
    assert facts("vårt elmontage", CONTENT).kind == ""


def test_hotels_are_no_threats() -> None:
    assert facts("vi har ett hotell", CONTENT).concerns == ()
    assert facts("hot mot personalen", CONTENT).concerns == ("otrygghet",)


def test_references_are_read_as_people_write_them() -> None:
    assert references("ta bort ts 7k3q tack") == ["TS-7K3Q"]
    assert references("TS–7K3Q och TS-9MWX") == ["TS-7K3Q", "TS-9MWX"]
    assert references("tsunami 7k3q") == []
    made = new_reference()
    assert references(f"vår anmälan är {made.lower()}") == [made]
    assert not set(made[3:]) & set("0O1IL5S8BUZ")


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    found = facts(text, CONTENT, loose=True)
    assert len(found.company) <= 120 and len(found.person) <= 120
    clean_name(text)
    person_and_role(text)
    words().agrees(text)
