"""Damages what the package reads, at random, and watches what that does.

    python -m tests.attacks.fuzz --minutes=10 [--targets=codec,keras] [--folder=found]

Each of `tests.attacks.targets` runs in a process of its own, which reads one damaged
input after the other. What it may answer is the result or one of the errors that it
declares; any other error, a crash, an answer that computes for 5 seconds (or is not
there after 30, on a machine that has other work) and memory beyond 1 GB are findings,
whose inputs are left in the folder. Move an input that was mended to
`tests/attacks/found/TARGET/`: `found_test.py` reads all of these.
"""

import argparse
import collections
import faulthandler
import gc
import hashlib
import pathlib
import random
import resource
import signal
import subprocess
import sys
import time

from tests.attacks.targets import TARGETS

SECONDS, MOST_SECONDS, MEGABYTES = 5, 30, 1024
CURRENT = "current"


def memory():
    """The most that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_all(name, folder, seconds, seed):
    """Reads damaged inputs for a while, in this process; returns how many."""
    target, chance = TARGETS[name](folder), random.Random(seed)
    corpus = list(target.corpus)
    for content in corpus:  # traces what there is to trace
        target.read(content)
    gc.collect()
    gc.freeze()  # a full collection of all that was imported takes seconds
    before, end = memory(), time.monotonic() + seconds
    count, answers, slowest = 0, collections.Counter(), 0.0
    current = folder / CURRENT
    faulthandler.register(signal.SIGPROF, chain=True)  # tells where, and ends
    while time.monotonic() < end:
        content = target.mutate(chance, corpus)
        current.write_bytes(content)
        faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        start = time.process_time()
        try:
            answer = target.read(content)
        except target.errors as error:
            answer = type(error).__name__, str(error)[-60:]
        slowest = max(slowest, time.process_time() - start)
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        if memory() - before > MEGABYTES:
            raise MemoryError(f"{memory() - before:.0f} MB more than before")
        # A new kind of answer has come to a new place: go on from there.
        if not answers[answer] and len(corpus) < 500 and len(content) < 100_000:
            corpus.append(content)
        answers[answer] += 1
        count += 1
    print(f"{count} inputs, {len(answers)} kinds of answers, slowest {slowest:.2f} s, ")
    print(f"{memory() - before:.0f} MB more than before", flush=True)
    return count


def watch(name, folder, minutes):
    """Lets processes read until the time is over; returns the number of findings."""
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    end, findings, seed = time.monotonic() + 60 * minutes, 0, 0
    print(f"\n{name}, {minutes} minutes", flush=True)
    while (left := end - time.monotonic()) > 5:
        command = [sys.executable, "-m", "tests.attacks.fuzz", "--child", name]
        command += [f"--folder={folder}", f"--seed={seed}", f"--seconds={left}"]
        ended = subprocess.run(command, capture_output=True, text=True)
        print("  " + ended.stdout.strip().replace("\n", ""), flush=True)
        seed += 1
        current = folder / CURRENT
        if ended.returncode:
            findings += 1
            said = ended.stderr.strip()
            print(f"  ended with {ended.returncode}: {said[-1500:]}", flush=True)
            if not current.exists():
                break
            content = current.read_bytes()
            found = folder / hashlib.sha256(content).hexdigest()[:12]
            found.write_bytes(content)
            print(f"  the input: {found}", flush=True)
        current.unlink(missing_ok=True)
    return findings


def main():
    """Runs all targets, one after the other; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("found"))
    parser.add_argument("--child", choices=TARGETS)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    if arguments.child:
        read_all(arguments.child, arguments.folder, arguments.seconds, arguments.seed)
        return 0
    findings = [
        watch(name, arguments.folder, arguments.minutes)
        for name in arguments.targets.split(",")
    ]
    print(f"\n{sum(findings)} findings")
    return 1 if sum(findings) else 0


if __name__ == "__main__":
    sys.exit(main())
