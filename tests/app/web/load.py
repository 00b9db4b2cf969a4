"""python -m tests.app.web.load URL: many users at once, every answer checked.

Each request has a sentence of its own. An answer is right if it is the one for
that sentence, or a 503 that says when to try again. The counts are printed as
JSON; the exit code is 1 if any answer was lost, another sentence's, or
failing in another way.
"""

import argparse
import http.client
import json
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 60  # seconds until an answer counts as lost
SENTENCES = (
    "I see the red car number {}.",
    "We don't read book {} today.",
    "The old baker has {} apples.",
    "{} cats drink water.",
)


@dataclass
class Tally:
    """What became of the requests; one for all users."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, outcome: str, seconds: float, detail: str = "") -> None:
        with self.lock:
            self.counts[outcome] += 1
            if outcome == "answered":
                self.seconds.append(seconds)
            elif outcome != "busy" and len(self.examples) < 5:
                self.examples.append(f"{outcome}: {detail}")


def run(url: str, users: int, seconds: float) -> dict[str, Any]:
    """Keep `users` of them busy for `seconds`; the counts."""
    tally, begin = Tally(), time.monotonic()
    threads = [
        threading.Thread(target=_user, args=(url, user, begin + seconds, tally))
        for user in range(users)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _summary(tally, users, time.monotonic() - begin)


def is_right(summary: dict[str, Any]) -> bool:
    """Whether there were answers, and all of them right."""
    wrong = summary["lost"] + summary["mixed_up"] + summary["failed"]
    return summary["answered"] > 0 and wrong == 0


def _user(url: str, user: int, end: float, tally: Tally) -> None:
    """One after the other until `end`, on one connection while it holds."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port or 80, timeout=TIMEOUT
    )
    number = 0
    while time.monotonic() < end:
        number += 1
        # No two are the same, whoever asks.
        text = SENTENCES[number % len(SENTENCES)].format(
            f"{user + 1}0{number:06}"
        )
        begin = time.monotonic()
        outcome, detail, pause = _ask(connection, text)
        tally.add(outcome, time.monotonic() - begin, detail)
        time.sleep(min(pause, max(0, end - time.monotonic())))
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, text: str
) -> tuple[str, str, float]:
    """What became of a request, why, and how long to wait after it."""
    body = json.dumps({"text": text, "beam": 2, "nbest": 2, "words": True})
    try:
        connection.request(
            "POST", "/translate", body, {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return "lost", repr(error), 0.2
    retry = response.headers.get("Retry-After", "")
    if response.status == 503 and retry.isdecimal():
        return "busy", "", float(retry)
    if response.status != 200:
        return "failed", f"{response.status} {content[:200]!r}", 0.2
    return (*_judge(text, content), 0)


def _judge(text: str, content: bytes) -> tuple[str, str]:
    """Whether an answer is whole, and that of its sentence."""
    try:
        answer = json.loads(content)
        source = answer["source"]
        read = "".join(answer["source_tokens"][:-1])
        shapes = [
            (len(each["attention"]), len(each["target_tokens"]))
            for each in answer["nbest"]
            if each["attention"] is not None
        ]
    except (ValueError, KeyError, TypeError) as error:
        return "failed", repr(error)
    # The tokens come from the model's side, which `source` does not.
    if source != text or read != text.replace(" ", ""):
        return "mixed_up", f"{text!r} got {source!r}, read as {read!r}"
    if any(rows != tokens for rows, tokens in shapes):
        return "mixed_up", f"{text!r} has rows of another translation"
    return "answered", ""


def _summary(tally: Tally, users: int, seconds: float) -> dict[str, Any]:
    names = ("answered", "busy", "lost", "mixed_up", "failed")
    return {
        "users": users,
        "seconds": round(seconds, 1),
        "requests": tally.counts.total(),
        **{name: tally.counts[name] for name in names},
        "answers_per_second": round(tally.counts["answered"] / seconds, 1),
        "milliseconds": _quantiles(tally.seconds),
        "examples": tally.examples,
    }


def _quantiles(seconds: list[float]) -> dict[str, int] | None:
    if len(seconds) < 2:
        return None
    cuts = statistics.quantiles(seconds, n=100)
    found = {"median": cuts[49], "p95": cuts[94], "longest": max(seconds)}
    return {name: round(1000 * value) for name, value in found.items()}


def main() -> None:
    """Parse, run, present."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.app.web.load", description=__doc__.split("\n")[0]
    )
    parser.add_argument("url", help="such as http://127.0.0.1:8000")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    summary = run(given.url, given.users, given.seconds)
    print(json.dumps(summary))
    sys.exit(not is_right(summary))


if __name__ == "__main__":
    main()
