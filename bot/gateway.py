"""`bot gateway`: the public web server, and /metrics on an inner port."""

import asyncio
import signal
import sys

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.content.load import ContentError
from bot.logs import configure
from bot.settings import Settings
from bot.store.vault import KeyProblem
from bot.web import application


def serve(conf: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    configure("gateway")
    try:
        asyncio.run(_serve(conf))
    except (ContentError, KeyProblem) as error:
        print(f"Det gick inte: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(conf: Settings) -> None:
    runners = [await _listen(application(conf), conf.host, conf.port)]
    if conf.metrics_port:
        inner = web.Application()
        inner.add_routes([web.get("/metrics", metrics)])
        runners.append(await _listen(inner, "127.0.0.1", conf.metrics_port))
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    for runner in runners:
        await runner.cleanup()


async def _listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    # handler_cancellation off: a turn is finished even if the resident leaves
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics on the inner port."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
