"""A catalogue of the size of the published J-pop dataset, served here, from feeds to manifests.

    python tests/bench/catalogue.py [--artists 29] [--items 40] [--seconds 182] [--folder DIR]

29 artists with 40 recordings of three minutes are about 7,000 clips. They are melodies of decaying
tones, all different, as FLAC from a web server on 127.0.0.1, which yt-dlp reads, a feed an artist.
The build is killed once on the way and started again; no recording may be asked for twice. Polite
pauses between downloads are off: on the web they, not this machine, decide how long it takes.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "curate")]

RATE = 22050
WEB = {"sleep_s": 0, "request_sleep_s": 0}


def main() -> None:
    """Makes the recordings, builds, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artists", type=int, default=29)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=182.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kill-at", type=float, default=0.3, help="share of the items")
    parser.add_argument("--folder", help="where 10 GB have room")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        make(folder / "site", options)
        with serving(folder / "site") as (address, asked):
            run(folder, address, asked, options)


def make(site: Path, options: argparse.Namespace) -> None:
    """Renders what is served: `<artist>/<item>.flac`, and a feed an artist."""
    from mediasite import Entry, feed_of

    jobs = []
    for artist in range(options.artists):
        (site / str(artist)).mkdir(parents=True)
        paths = [f"/{artist}/{item}.flac" for item in range(options.items)]
        jobs += [(site / path[1:], options.seconds) for path in paths]
        entries = [Entry(path, f"Song {n} of {artist}") for n, path in enumerate(paths)]
        feed = feed_of("http://ADDRESS", entries, f"Artist {artist}")
        (site / f"{artist}.xml").write_bytes(feed)
    with ProcessPoolExecutor() as pool:
        for done, _ in enumerate(pool.map(render, jobs, range(len(jobs)), chunksize=8), 1):
            if done % 200 == 0:
                print(f"{done} of {len(jobs)} rendered", file=sys.stderr, flush=True)


def render(job: tuple[Path, float], seed: int) -> None:
    """One recording."""
    from rig import tune

    path, seconds = job
    soundfile.write(path, tune(seed, seconds, RATE), RATE)


@contextlib.contextmanager
def serving(site: Path) -> Iterator[tuple[str, Counter[str]]]:
    """Serves a folder; gives its address and how often each path was asked for."""
    asked: Counter[str] = Counter()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(site))

        def do_GET(self) -> None:
            asked[self.path] += 1
            if not self.path.endswith(".xml"):
                super().do_GET()
                return
            feed = (site / self.path[1:]).read_bytes().replace(b"http://ADDRESS", address.encode())
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml")
            self.send_header("Content-Length", str(len(feed)))
            self.end_headers()
            self.wfile.write(feed)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that only looks at the start of a file hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield address, asked
    finally:
        server.shutdown()


def run(folder: Path, address: str, asked: Counter[str], options: argparse.Namespace) -> None:
    """Builds, kills, builds again, once more; prints a row each."""
    artists = [
        {"name": f"Artist {number}", "playlists": [f"{address}/{number}.xml"]}
        for number in range(options.artists)
    ]
    recipe = folder / "artists.yaml"
    about = {"name": "catalogue", "rights": "made here", "web": WEB, "artists": artists}
    recipe.write_text(json.dumps(about))
    items = options.artists * options.items
    print("| run | wall | clips | audio s per s | recordings asked for |")
    print("|---|--:|--:|--:|--:|", flush=True)
    build(recipe, folder, asked, options, "killed", until=round(options.kill_at * items))
    build(recipe, folder, asked, options, "gone on")
    build(recipe, folder, asked, options, "again")
    twice = [path for path, count in asked.items() if path.endswith(".flac") and count > 2]
    print(f"\nasked for more than twice (a look and the file): {len(twice)} of {items}")


def build(
    recipe: Path,
    folder: Path,
    asked: Counter[str],
    options: argparse.Namespace,
    name: str,
    until: int | None = None,
) -> None:
    """One build, killed after so many recordings."""
    before = sum(1 for path in asked if path.endswith(".flac"))
    command = [sys.executable, "-m", "curate.cli", "build", "--artists", str(recipe)]
    command += ["--jobs", str(options.jobs)]
    environment = os.environ | {"CURATE_CACHE": str(folder / "cache")}
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            time.sleep(0.2)
            if until is not None and len(asked) >= until:
                os.killpg(process.pid, signal.SIGKILL)
                break
    wall = time.perf_counter() - started
    now = sum(1 for path in asked if path.endswith(".flac"))
    info = recipe.parent / "build" / "build.json"
    counts = json.loads(info.read_bytes())["counts"] if info.exists() else {"chunks": 0}
    audio = (now - before) * options.seconds
    rate = f"{audio / wall:.0f}" if audio else "-"
    print(f"| {name} | {wall:.0f} s | {counts['chunks']} | {rate} | {now - before} |", flush=True)


if __name__ == "__main__":
    main()
