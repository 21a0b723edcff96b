"""`milesaga hub`: partners, types and buses from files; events sent, found and followed."""

import typer

from services.cli.hub import (
    archived,
    backtests,
    clients,
    dead,
    events,
    feeds,
    files,
    language,
    listening,
    replays,
    routing,
    sealing,
    tailing,
    targets,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The event hub: apply files, send, follow and find.")

app.command("apply")(files.apply)
app.command("diff")(files.diff)
app.command("rollback")(files.roll_back)
app.command("list")(files.list_buses)
app.command("send")(events.send)
app.command("check")(events.check)
app.command("trace")(events.trace)
app.command("route")(routing.route)
app.command("tail")(tailing.tail)
app.command("feed")(feeds.feed)
app.command("listen")(listening.listen)
app.command("match")(language.match)
app.command("convert")(language.convert)
app.command("clients")(clients.clients)
app.command("sealing")(sealing.sealing)
app.command("backtest")(backtests.backtest)
app.add_typer(archived.app, name="archive")
app.add_typer(targets.app, name="targets")
app.add_typer(dead.app, name="dead")
app.add_typer(replays.app, name="replay")
app.add_typer(backtests.app, name="backtests")
