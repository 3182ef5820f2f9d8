#!/usr/bin/env python3
"""Many clients at once: loamd against another build daemon in one run, by the same clients (loam-load).

    tests/bench/daemon.py [--loamd PATH] [--load PATH] [--peer BUILDKITD] [--clients N] [--steps N] [--repeat N]

Each daemon starts with an empty state and builds N equal builds of file steps, then the same again from the cache (the best of
the repetitions counts), then N builds of which half are equal. Needs root; without a peer it prints loamd's figures alone.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1000 for name in ("VmRSS", "VmHWM")}


def measure(command, args, base):
    socket = base / "daemon.sock"
    daemon = subprocess.Popen([*command, "--config", "/dev/null", "--root", str(base / "root"), "--addr",
                               f"unix://{socket}"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not socket.exists():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.05)

        def load(*more):
            done = subprocess.run([args.load, "--addr", f"unix://{socket}", "--clients", str(args.clients), "--steps",
                                   str(args.steps), *more], capture_output=True, text=True)
            result = json.loads(done.stdout)
            if result["errors"]:
                raise SystemExit(f"{command[0]}: {result['errors'][0]}")
            return result["seconds"]

        idle = memory(daemon)["VmRSS"]
        cold = load("--salt", "one")
        cached = min(load("--salt", "one") for _ in range(args.repeat))
        half = load("--salt", "two", "--equal", "50")
        after = memory(daemon)
        return {"cold": cold, "cached": cached, "half equal": half, "idle MB": idle, "peak MB": after["VmHWM"],
                "after MB": after["VmRSS"], "MB a build": (after["VmHWM"] - idle) / args.clients}
    finally:
        daemon.terminate()
        daemon.wait(60)


def main():
    parser = argparse.ArgumentParser()
    build = pathlib.Path(__file__).parents[2] / "build/gcc-release/bin"
    parser.add_argument("--loamd", default=str(build / "loamd"))
    parser.add_argument("--load", default=str(build / "loam-load"))
    parser.add_argument("--peer")
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    daemons = {"loamd": [args.loamd]}
    if args.peer:
        daemons["peer"] = [args.peer, "--oci-worker=true", "--containerd-worker=false"]
    results = {}
    for name, command in daemons.items():
        base = pathlib.Path(tempfile.mkdtemp(prefix="loam-bench-"))
        try:
            results[name] = measure(command, args, base)
        finally:
            shutil.rmtree(base, ignore_errors=True)
    for key in results["loamd"]:
        line = f"{key:12}" + "".join(f"{results[name][key]:12.3f}" for name in results)
        if args.peer:
            line += f"{results['peer'][key] / max(results['loamd'][key], 1e-9):10.1f} x"
        print(line)


if __name__ == "__main__":
    main()
