"""The invariants of all contracts, on many random histories, and whether these reach what matters.

    python -m tools.campaign                          1,000 histories of 100 calls for each invariant: the nightly run
    FOUNDRY_PROFILE=quick python -m tools.campaign    100 histories, as the gate runs them

Histories in which nothing happens prove nothing. So the run also fails when a goal was never reached: an outcome, an
end of a dispute, a slash, an exit, …
"""

import os
import subprocess
import sys
from collections import Counter

from tools.solidity import CONTRACTS, find_forge

REPORT = "cache/campaign.txt"  # one line for each history: fact=count;fact=count;…
PROFILE = "nightly"

GOALS = (
    *(
        f"outcome {name}"
        for name in (
            "IMPROVED",
            "NOT_IMPROVED",
            "WORSE",
            "INVALID",
            "UNAVAILABLE",
            "EVALUATOR_FAILED",
            "EXPIRED",
            "CANCELLED",
            "UNREVEALED",
        )
    ),
    *("project opened", "project cancelled", "project suspended", "project closed", "suspended project closed"),
    *("opened again", "task expired", "approved in turn", "approved with absent signers", "split vote", "rejected"),
    *("reward paid", "disputed", "upheld", "overturned", "champion restored", "dispute without a ruling"),
    *("performer guilty", "slash shared", "conflict proven", "honest votes defended", "slashed", "jailed", "unjailed"),
    *(
        "deregistered",
        "ejected",
        "exit completed",
        "slot freed by anyone",
        "slot reused",
        "key rotated",
        "owner changed",
    ),
    *("second registration refused", "forged", "replayed", "trespass refused", "parameters changed", "paused"),
    *("fee claimed", "escrow withdrawn", "payment refused by its receiver"),
    *("withdrawn during a pause", "stake withdrawn during a pause"),
    *("mood TAXING", "mood REFUSING", "mood REENTERING"),
)
ENDS = ("effect", "refusal", "idle")  # of a call: the system accepted something, refused it, or was not called


def main() -> int:
    """Exit status 1 when an invariant broke or a goal was not reached."""
    report = CONTRACTS / REPORT
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    environment = {"FOUNDRY_PROFILE": PROFILE, **os.environ, "CAMPAIGN_REPORT": REPORT}
    command = [find_forge(), "test", "--match-path", "test/invariants/*"]
    broken = subprocess.run(command, cwd=CONTRACTS, env=environment, check=False).returncode
    if not report.exists():
        print("campaign: no history came to its end")
        return 1
    counts = sum_counts(report.read_text())
    print(describe(counts))
    missed = find_missed(counts)
    if missed:
        print(f"campaign: never reached: {', '.join(missed)}")
    return 1 if broken or missed else 0


def sum_counts(report: str) -> Counter[str]:
    """How often each fact came about, over all histories. `history` counts these."""
    counts: Counter[str] = Counter()
    for line in report.splitlines():
        counts["history"] += 1
        for pair in filter(None, line.split(";")):
            fact, count = pair.rsplit("=", 1)
            counts[fact] += int(count)
    return counts


def find_missed(counts: Counter[str]) -> list[str]:
    """The goals that no history reached."""
    return [goal for goal in GOALS if counts[goal] == 0]


def describe(counts: Counter[str]) -> str:
    """A table of facts, one of actions, and the share of calls that had an effect."""
    facts = sorted(fact for fact in counts if ": " not in fact)
    actions = sorted({fact.split(": ")[1] for fact in counts if ": " in fact})
    rows = [f"{counts[fact]:>9,}  {fact}" for fact in facts]
    rows += ["", f"{'action':<18}" + "".join(f"{end:>10}" for end in ENDS)]
    rows += [f"{action:<18}" + "".join(f"{counts[f'{end}: {action}']:>10,}" for end in ENDS) for action in actions]
    totals = [sum(counts[f"{end}: {action}"] for action in actions) for end in ENDS]
    shares = (f"{total / sum(totals):.0%} {end}" for total, end in zip(totals, ENDS, strict=True))
    return "\n".join(
        [*rows, "", f"campaign: {sum(totals):,} calls in {counts['history']:,} histories: {', '.join(shares)}"]
    )


if __name__ == "__main__":
    sys.exit(main())
