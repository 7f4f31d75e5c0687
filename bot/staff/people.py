"""/personal/konton: administrators add, change and remove those who may sign in."""

from typing import Any

from aiohttp import web

from bot.keys import DATABASE, SETTINGS
from bot.staff import accounts, codes
from bot.staff.accounts import ADMIN, READER, ROLES, Account, AccountProblem
from bot.staff.door import Form, Refusal, away, reading, render, writing
from bot.staff.sessions import PATH, Visit

PEOPLE = f"{PATH}/konton"
ONE = f"{PEOPLE}/{{name}}"
ELSEWHERE = "kommunen"
"""As `satt`: signs in with the municipality's own sign-in."""
_DONE = {
    "roll": "Rollen är ändrad. Personen får logga in igen.",
    "koder": "Engångskoderna är avstängda. Personen får logga in igen och sätta på nya.",
}


async def page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/konton."""
    gone = accounts.canonical(request.query.get("borttagen", "")[:60])
    return await _list(request, visit, gone=gone or "")


async def add(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST /personal/konton: the new password is shown on this very answer, and never again."""
    name, role = form.get("namn", ""), form.get("roll", "")
    database, new = request.app[DATABASE], ""
    try:
        _known(role)
        if form.get("satt") == ELSEWHERE and request.app[SETTINGS].oidc_issuer:
            known = await accounts.add_outsider(database, name, role, visit.name)
        else:
            new = accounts.new_password()
            known = await accounts.add(database, name, new, role, visit.name, lent=True)
    except AccountProblem as problem:
        return await _list(request, visit, 422, error=str(problem), typed=name[:60], chosen=role)
    if new:
        return render(request, visit, "losenord.html", to=known, password=new, added=True)
    return away(f"{PEOPLE}/{known}")


async def one(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/konton/{name}."""
    done = _DONE.get(request.query.get("gjort", ""), "")
    return _show(request, visit, await _account(request), done=done)


async def role(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/roll: only from the role that the form showed."""
    found, wanted = await _other(request, visit), form.get("roll", "")
    try:
        _known(wanted)
        if found.role not in (form.get("fore"), wanted):
            raise AccountProblem("Någon annan har ändrat rollen medan du hade sidan öppen.")
        await accounts.set_role(request.app[DATABASE], found.name, wanted, visit.name)
    except AccountProblem as problem:
        return _show(request, visit, found, 422, role_error=str(problem))
    return away(f"{PEOPLE}/{found.name}?gjort=roll")


async def password(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/losenord: a new one, shown once, for somebody who has forgotten his."""
    found, new = await _other(request, visit), accounts.new_password()
    database = request.app[DATABASE]
    try:
        await accounts.set_password(database, found.name, new, visit.name, lent=True)
    except AccountProblem as problem:
        raise Refusal(409, "Kontot har inget lösenord", str(problem)) from None
    return render(request, visit, "losenord.html", to=found.name, password=new, added=False)


async def reset_codes(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/koder: somebody lost the phone."""
    found = await _other(request, visit)
    await codes.turn_off(request.app[DATABASE], found.name, visit.name)
    return away(f"{PEOPLE}/{found.name}?gjort=koder")


async def remove(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/ta-bort: only with the box ticked."""
    found = await _other(request, visit)
    try:
        if form.get("saker") != "ja":
            raise AccountProblem("Kryssa i rutan om du vill ta bort kontot.")
        await accounts.remove(request.app[DATABASE], found.name, visit.name)
    except AccountProblem as problem:
        return _show(request, visit, found, 422, remove_error=str(problem))
    return away(f"{PEOPLE}?borttagen={found.name}")


ROUTES = [
    web.get(PEOPLE, reading(page, ADMIN), allow_head=False),
    web.post(PEOPLE, writing(add, ADMIN)),
    web.get(ONE, reading(one, ADMIN), allow_head=False),
    web.post(f"{ONE}/roll", writing(role, ADMIN)),
    web.post(f"{ONE}/losenord", writing(password, ADMIN)),
    web.post(f"{ONE}/koder", writing(reset_codes, ADMIN)),
    web.post(f"{ONE}/ta-bort", writing(remove, ADMIN)),
]


def _known(role: str) -> None:
    if role not in ROLES:
        raise AccountProblem("Välj en roll.")


async def _account(request: web.Request) -> Account:
    found = await accounts.find(request.app[DATABASE], request.match_info["name"][:200])
    if found is None:
        raise Refusal(404, "Kontot finns inte", "Namnet kan vara fel, eller så är det borttaget.")
    return found


async def _other(request: web.Request, visit: Visit) -> Account:
    """The account of the address. Raises Refusal when it is one's own."""
    found = await _account(request)
    if found.name == visit.name:
        raise Refusal(
            409,
            "Det är ditt eget konto",
            "Lösenord och engångskoder byter du på Mitt konto. Be en annan administratör att ändra "
            "din roll eller ta bort kontot, så att ni inte låser ute er av misstag.",
        )
    return found


async def _list(
    request: web.Request, visit: Visit, status: int = 200, **values: Any
) -> web.Response:
    empty = {"error": "", "typed": "", "chosen": READER, "gone": ""}
    return render(
        request, visit, "konton.html", status,
        **{**empty, **values},
        people=await accounts.everybody(request.app[DATABASE]),
        roles=ROLES,
        elsewhere=bool(request.app[SETTINGS].oidc_issuer),
    )  # fmt: skip


def _show(
    request: web.Request, visit: Visit, account: Account, status: int = 200, **values: Any
) -> web.Response:
    empty = {"done": "", "role_error": "", "remove_error": ""}
    return render(
        request, visit, "person.html", status,
        **{**empty, **values},
        account=account,
        own=account.name == visit.name,
        governed=bool(request.app[SETTINGS].oidc_role_claim) and not account.password,
        roles=ROLES,
    )  # fmt: skip
