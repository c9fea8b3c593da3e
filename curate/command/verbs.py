"""What each verb of the `curate` command does; the parser is in `curate.cli`.

One function a verb: it gets the parsed options, shows what came of it and gives the exit code.
Heavy imports happen inside.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.errors import CurateError

if TYPE_CHECKING:
    from curate.overview import Overview

DONE, FALLS_SHORT, WRONG, INTERRUPTED = 0, 1, 2, 130


def build(options: argparse.Namespace) -> int:
    """`curate build`: then checks what was built."""
    from curate import api
    from curate.command import terminal

    if options.dry_run:
        terminal.show_plan(
            api.plan(
                options.artists,
                options.out,
                limit=options.limit,
                models=options.models,
                offline=options.offline,
            )
        )
        return DONE
    with terminal.Bars() as bars:
        result = api.build(
            options.artists,
            options.out,
            jobs=options.jobs,
            limit=options.limit,
            timeout=options.timeout,
            progress=bars,
            models=options.models,
            offline=options.offline,
            keep_downloads=options.keep_downloads,
            without_sources=options.without_source,
            retry=options.retry,
        )
    terminal.show_result(result)
    if not result.counts.chunks:
        return FALLS_SHORT
    report = api.validate(result.out)
    if report.findings:
        terminal.show_findings(report)
    return DONE if report.ok else FALLS_SHORT


def validate(options: argparse.Namespace) -> int:
    """`curate validate`: datasets and artists.yaml files, the worst of them counts."""
    from curate import api, config
    from curate.command import terminal

    worst = DONE
    for path in options.paths:
        if path.suffix.lower() in {".yaml", ".yml"}:
            config.load(path)
            told = json.dumps({"file": str(path), "ok": True}, ensure_ascii=False)
            print(told if options.json else f"{path}: valid")
            continue
        if not path.exists():
            raise CurateError(f"{path}: no such folder or file")
        report = api.validate(path, deep=options.deep)
        if options.json:
            print(report.to_json())
        else:
            terminal.show_findings(report)
        worst = worst if report.ok else FALLS_SHORT
    return worst


def status(options: argparse.Namespace) -> int:
    """`curate status`."""
    from curate.command import terminal
    from curate.command.status import read

    found = read(options.folder)
    if options.json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        terminal.show_status(found)
    return DONE


def labels(options: argparse.Namespace) -> int:
    """`curate labels`: the tables, and a page beside them."""
    from curate import overview
    from curate.overview.tables import Waiting

    sample = None if options.deep else overview.SAMPLE
    found = overview.read(options.folder, sample=sample, progress=Waiting())
    failed, told = _page(found, options) if found.clips else (None, [])
    if options.json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        overview.show(found, by=options.by, top=options.top)
    for line in told:
        print(line, file=sys.stderr if options.json else sys.stdout)
    if failed is not None:
        raise failed
    return DONE if found.clips and not found.broken else FALLS_SHORT


def captions(options: argparse.Namespace) -> int:
    """`curate captions`: writes them anew, or says what that would cost, or shows them."""
    from curate import api
    from curate.captions import examples
    from curate.command import terminal

    changes = _caption_changes(options)
    if options.show is not None:
        if changes != {"llm": {}}:
            raise CurateError("--show shows the captions that there are; leave the others out")
        terminal.show_captions(examples.draw(options.folder, options.show))
        return DONE
    wanted = api.caption_options(options.folder, changes)
    if options.estimate:
        terminal.show_estimate(api.estimate(options.folder, wanted))
        return DONE
    with terminal.Bars() as bars:
        result = api.recaption(options.folder, wanted, progress=bars)
    terminal.show_recaptioned(result)
    return DONE


def _caption_changes(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says otherwise than build.json, as artists.yaml has it."""
    names = ("model", "base_url", "budget_usd", "concurrency", "batch", "on_failure", "price")
    llm = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    said = ("style", "language", "variants", "seed")
    changes = {name: getattr(options, name) for name in said if getattr(options, name) is not None}
    if options.template and llm:
        raise CurateError("--template asks no language model; leave out what is said of one")
    if "price" in llm:
        llm["price"] = dict(zip(("input", "output"), llm["price"], strict=True))
    return changes | {"llm": None if options.template else llm}


def _page(found: "Overview", options: argparse.Namespace) -> tuple[CurateError | None, list[str]]:
    """Writes the plot page first, so that neither it nor the tables are lost with the other."""
    from curate import overview

    path: Path = options.plot or options.folder / "labels.svg"
    if options.no_plot or (options.json and not options.plot):
        return None, []
    try:
        missing = overview.plot(found, path)
    except OSError as error:
        why = f"{path}: cannot be written: {error.strerror or error}"
        if options.plot:
            return CurateError(why), []
        return None, [f"no plot page: {why}; --plot FILE puts it elsewhere"]
    told = [f"plot page: {path}"]
    if missing:
        told.append(f"no installed font has {missing[:20]}: they are boxes there; an .svg has them")
    return None, told


def relocate(options: argparse.Namespace) -> int:
    """`curate relocate`."""
    from curate import api

    count = api.relocate(options.folder)
    print(f"{options.folder}: {count} clips now have their paths here")
    return DONE


def models_list(options: argparse.Namespace) -> int:
    """`curate models list`."""
    from curate.command import terminal
    from curate.labels.models import weights, zoo

    place, onnx = weights.folder(options.models), weights.onnx_available()
    states = list(weights.states((*zoo.MODELS, *zoo.OTHERS), place))
    mend = weights.command(place, (), onnx=onnx)
    if options.json:
        models = [state.to_json() for state in states]
        told = {"folder": str(place), "onnxruntime": onnx, "fetch": mend, "models": models}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        terminal.show_models(states, place, mend, onnx=onnx)
    return DONE


def models_fetch(options: argparse.Namespace) -> int:
    """`curate models fetch`."""
    from curate.command import terminal
    from curate.labels.models import fetching, weights

    place = weights.folder(options.models)
    models = weights.complete(weights.named(options.names or ["all"]))
    if options.backend == "onnx" and not weights.onnx_available():
        print("onnxruntime, which uses these files, is not installed", file=sys.stderr)
    with terminal.Downloads() as bars:
        done = fetching.fetch(models, place, options.backend, bars, offline=options.offline)
    terminal.show_fetched(done, place)
    return DONE


def models_accept(options: argparse.Namespace) -> int:
    """`curate models accept`."""
    from curate.labels.models import weights

    for path in weights.accept(weights.named(options.names), weights.folder(options.models)):
        print(f"{path}: accepted as it is")
    return DONE


def doctor(options: argparse.Namespace) -> int:
    """`curate doctor`."""
    from curate.command import doctor, terminal

    checks = doctor.examine()
    if options.json:
        print(json.dumps([check.to_json() for check in checks], ensure_ascii=False, indent=2))
    else:
        terminal.show_checks(checks)
    return DONE if all(check.ok for check in checks) else FALLS_SHORT
