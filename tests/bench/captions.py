"""How near captions by a language model come to the server's own speed.

    python tests/bench/captions.py [--requests 1000] [--concurrency 16] [--delay 0.2]

A server in a process of its own takes the delay for every answer. The ideal is all requests in
rounds of as many as go at once; measured is `Captioner.write`, into a new file of answers, and then
once more, where all is answered. The last rows have a budget, so that every request is put down
durably before it is sent.
"""

import argparse
import math
import multiprocessing
import multiprocessing.connection
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "curate")]

import llmsite

from curate.captions.facts import Facts
from curate.captions.llm import Answers, Captioner, Request
from curate.captions.names import Names
from curate.config import LlmOptions, Price
from curate.labels import vocabulary

GENRES = ("jazz", "rock", "techno", "folk", "ambient", "disco", "blues", "funk")
INSTRUMENTS = ("piano", "drums", "electric guitar", "violin", "flute", "trumpet", "organ", "cello")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds for an answer")
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, given.delay), daemon=True)
    process.start()
    options = LlmOptions("test", base_url=ours.recv(), concurrency=given.concurrency)
    ideal_s = math.ceil(given.requests / given.concurrency) * given.delay
    print("| requests | at once | ideal s | measured s | ratio | again s |")
    print("|---|--:|--:|--:|--:|--:|")
    budget = replace(options, price=Price(1.0, 1.0), budget_usd=1000.0)
    for name, chosen in (("", options), (", with a budget", budget)):
        first_s, again_s = measure(chosen, given.requests)
        print(
            f"| {given.requests}{name} | {given.concurrency} | {ideal_s:.1f} | {first_s:.2f} "
            f"| {first_s / ideal_s:.3f} | {again_s:.2f} |",
            flush=True,
        )
    ours.send("enough")
    process.join()


def serve(pipe: multiprocessing.connection.Connection, delay_s: float) -> None:
    """Serves until told."""
    with llmsite.serving() as site:
        site.delay_s = delay_s
        pipe.send(site.address)
        pipe.recv()


def measure(options: LlmOptions, count: int) -> tuple[float, float]:
    """Seconds of a first run and of a second."""
    clips = [clip(number) for number in range(count)]
    words = vocabulary.load()
    with tempfile.TemporaryDirectory() as folder, Answers(Path(folder) / "a.sqlite") as answers:
        captioner = Captioner(options, Path(folder), answers, "bench", words, key="none")
        taken = []
        for expected in (count, 0):
            started = time.perf_counter()
            tally = captioner.write(iter(clips), lambda _: None)
            taken.append(time.perf_counter() - started)
            assert (tally.answered, tally.accepted) == (expected, count), tally
    return taken[0], taken[1]


def clip(number: int) -> Request:
    """Facts that no other number has."""
    genre = GENRES[number % len(GENRES)]
    instrument = INSTRUMENTS[number // len(GENRES) % len(INSTRUMENTS)]
    bpm = 60 + number // (len(GENRES) * len(INSTRUMENTS))
    return Request(Facts(genres=(genre,), instruments=(instrument,), bpm=bpm), Names())


if __name__ == "__main__":
    main()
