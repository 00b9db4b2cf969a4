"""Command `python -m app serve`."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import Debug, one_sentence, pick_device_for

Runs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[RUN]...",
        help="Run folders made by 'train'. The page can compare any two of "
        "them.",
        show_default="runs/phrasebook",
    ),
]
Host = Annotated[
    str,
    typer.Option(
        "--host",
        help="The address to listen at; 0.0.0.0 accepts other machines.",
    ),
]
Port = Annotated[
    int,
    typer.Option(
        "--port", min=0, max=65535, help="The port; 0 for a free one."
    ),
]


def serve(
    runs: Runs = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    debug: Debug = False,
) -> None:
    """Serve a web page that translates and shows where the model looked.

    The server also has a JSON API, described at http://127.0.0.1:8000/api.
    """
    with one_sentence(debug):
        from app.web import server

        chosen = runs or [Path("runs/phrasebook")]
        pick_device_for(chosen[0])
        server.serve(chosen, host, port)
