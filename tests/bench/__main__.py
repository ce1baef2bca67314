"""`make bench`: what a request costs through llmgate, through HAProxy and through other gateways, in the same run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import attrs

from . import machine, page, peers, report, rounds, soak, summary
from .processes import ROOT, Failed, missing_packages
from .workloads import WORKLOADS


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    names = [workload.name for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument(
        "--seconds", type=int, default=3, help="length of one measurement, after its warm-up (default 3)"
    )
    parser.add_argument("--workloads", metavar="NAMES", help=f"comma-separated, of {', '.join(names)} (default all)")
    parser.add_argument("--peers", metavar="NAMES", help='comma-separated, or "none" (default: those installed)')
    parser.add_argument(
        "--peer", metavar="FILE", type=Path, action="append", default=[], help="another gateway's recipe"
    )
    parser.add_argument("--install-peers", action="store_true", help="install the peers asked for, and end")
    parser.add_argument("--rate", type=float, default=1000, help="of the open loop, per second; 0 leaves latency out")
    parser.add_argument("--requests", type=int, default=100_000, help="for memory (default 100,000); 0 leaves it out")
    parser.add_argument("--no-extras", action="store_true", help="without start, import, workers and one more plugin")
    parser.add_argument("--quick", action="store_true", help="CPU of HAProxy and llmgate only")
    parser.add_argument(
        "--soak", metavar="REQUESTS", type=int, help="only this: so many requests, and what memory does meanwhile"
    )
    parser.add_argument(
        "--upstream-port", type=int, default=0, help="first of the mock's three ports (default: free ones)"
    )
    parser.add_argument(
        "--json", type=Path, help="where the result goes (default .bench/result.json, .bench/soak.json)"
    )
    parser.add_argument(
        "--page", action="store_true", help="write tables and picture into docs/explanation/benchmarks.md"
    )
    return parser.parse_args()


def plan_of(asked: argparse.Namespace) -> rounds.Plan:
    """The run that was asked for. Raises Failed for a name that nobody has."""
    known = {workload.name: workload for workload in WORKLOADS}
    wanted = asked.workloads.split(",") if asked.workloads else list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise Failed(f"no workload is called {', '.join(unknown)}; there are {', '.join(known)}")
    return rounds.Plan(
        rounds=asked.rounds,
        seconds=asked.seconds,
        warm=1 if asked.quick else 5,
        workloads=[known[name] for name in wanted],
        peers=[] if asked.quick else chosen_peers(asked.peers, asked.peer),
        rate=0 if asked.quick else asked.rate,
        requests=0 if asked.quick else asked.requests,
        extras=not (asked.quick or asked.no_extras),
        upstream_port=asked.upstream_port,
    )


def chosen_peers(names: str | None, files: list[Path]) -> list[peers.Recipe]:
    """Recipes asked for; a line for each that is not installed."""
    known = {recipe.name: recipe for recipe in peers.recipes()}
    wanted = [] if names == "none" else names.split(",") if names else list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise Failed(f"no recipe for {', '.join(unknown)}; there are {', '.join(known)}, or give one with --peer FILE")
    found = [known[name] for name in wanted] + [peers.read_recipe(file) for file in files]
    for recipe in found:
        if not recipe.installed:
            print(f"{recipe.name} is left out: not installed (--install-peers installs it)", file=sys.stderr)
    return [recipe for recipe in found if recipe.installed]


def result_of(outcome: rounds.Outcome, plan: rounds.Plan, facts: dict[str, str]) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "machine": facts,
        "versions": outcome.versions,
        "plugins": outcome.plugins,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "rate": plan.rate,
        "readings": [attrs.asdict(reading) for reading in outcome.readings],
        "rows": [attrs.asdict(row) for row in summary.rows(outcome.readings)],
        "figures": attrs.asdict(outcome.figures),
        "unable": outcome.unable,
    }


def main() -> None:
    """Measure, show, write."""
    asked = options()
    if asked.install_peers:
        known = {recipe.name: recipe for recipe in peers.recipes()}
        for name in asked.peers.split(",") if asked.peers else known:
            peers.install(known[name])
        return
    if not Path("/proc/self/smaps_rollup").exists():
        raise Failed("this benchmark reads CPU time and memory from Linux's /proc, which this system does not have")
    if missing := missing_packages():
        raise Failed(f"some programs are not installed; on Debian: apt-get install {' '.join(missing)}")
    if asked.soak:
        soaked(asked)
        return
    plan, facts = plan_of(asked), machine.facts()
    outcome = rounds.run(plan)
    about = page.about(outcome, plan, facts)
    print(f"\n{report.tables(outcome)}\n\n{about}")
    write(asked.json or ROOT / ".bench" / "result.json", result_of(outcome, plan, facts))
    if asked.page:
        print("written:", *page.write(outcome, about))


def soaked(asked: argparse.Namespace) -> None:
    """The soak alone. Ends with 1 when memory grows or is too much, or a request failed."""
    samples = soak.run(asked.soak, asked.upstream_port)
    print(f"\n{soak.tables(samples)}")
    write(asked.json or ROOT / ".bench" / "soak.json", {"machine": machine.facts(), **soak.result_of(samples)})
    if not soak.Verdict.of(samples).good:
        sys.exit(1)


def write(file: Path, result: dict[str, Any]) -> None:
    """A result as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten: {file}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
