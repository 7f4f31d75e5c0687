"""Every URL of the site on one screen."""

from pathlib import Path

from aiohttp import web

from bot.site import machines, plain, views
from bot.site.assets import PATH

HERE = Path(__file__).parent
API_ROUTES = [web.get("/api/search", machines.search, allow_head=False)]
ROUTES = [
    *API_ROUTES,
    web.get("/", views.start),
    web.get("/fragor", views.questions),
    web.get("/fragor/{id}", views.question),
    web.get("/en/questions", views.english_questions),
    web.get("/en/questions/{id}", views.english_question),
    web.get("/sok", views.search),
    web.get(plain.PATH, plain.show),
    web.post(plain.PATH, plain.say),
    web.post(f"{plain.PATH}/betyg", plain.rate),
    web.get(f"{plain.PATH}/samtal.txt", plain.download),
    web.post(f"{plain.PATH}/radera", plain.erase),
    web.get("/sitemap.xml", machines.sitemap),
    web.get("/robots.txt", machines.robots),
    web.get(f"{PATH}/{{name:[a-z0-9-]+[.][a-z0-9]+}}", machines.static),
    web.get("/{id:[a-z0-9-]+}", views.page),  # content/pages/<id>.md
]
