"""Runs every benchmark; each prints ratios to a yardstick of the same run and fails when a bar is missed."""

import subprocess
import sys

BENCHMARKS = (
    "waiting", "flooder", "overspend", "client_stream", "history_walk", "over_the_wire", "cards", "lorebook", "usage",
    "filters",
)  # fmt: skip


def main() -> int:
    """Run them one after the other; 1 when any missed a bar."""
    failed = []
    for name in BENCHMARKS:
        print(f"\n=== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    print(f"\nmissed: {', '.join(failed)}" if failed else "\nevery bar is held")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
