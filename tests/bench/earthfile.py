#!/usr/bin/env python3
"""Benchmarks of Earthfiles on a monorepo that is made on the spot, printed as figures.

    tests/bench/earthfile.py [--loam PATH] [--projects N] [--targets N] [--built N] [--repeat N] [--json OUT]

By itself: 300 Earthfiles with 3,000 targets in one git repository, of which `+all` builds 200, ten in each of 20 projects. Every
figure is the median of the repeats, of the whole process from its start to its end. Needs root and busybox-static.
"""
import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
import bench  # noqa: E402
import support  # noqa: E402

LIBRARY = """VERSION 0.8
FROM bench-base:1

STAMP:
    FUNCTION
    ARG --required name
    RUN echo $name > stamp
"""
PROJECT = """VERSION 0.8
IMPORT ../../lib AS lib
FROM bench-base:1
WORKDIR /src
ARG --global PROFILE=release
"""
TARGET = """
# t{t} makes part {t} of service {p}.
t{t}:
    ARG LEVEL=1
    ENV PART={t}
    COPY main.txt ./
    RUN echo "$PROFILE $LEVEL $PART" > out-{t}.txt
    DO lib+STAMP --name=s{p}-{t}
    SAVE ARTIFACT out-{t}.txt
"""


def write_monorepo(folder, projects, targets, built):
    """`built` of all targets are those of +all."""
    root = "VERSION 0.8\nFROM bench-base:1\n\nall:\n"
    for p in range(projects):
        project = folder / f"services/s{p:03}"
        project.mkdir(parents=True)
        (project / "main.txt").write_text(f"source {p}\n")
        (project / "Earthfile").write_text(PROJECT + "".join(TARGET.format(t=t, p=p) for t in range(targets)))
        for t in range(targets):
            if p * targets + t < built:
                root += f"    BUILD ./services/s{p:03}+t{t}\n"
    (folder / "lib").mkdir()
    (folder / "lib/Earthfile").write_text(LIBRARY)
    (folder / "Earthfile").write_text(root)
    for command in ("init", "add .", "-c user.name=b -c user.email=b@b commit -m bench"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True, capture_output=True)


def processor_time():
    """Of all children that have ended, theirs included; unlike the wall time it says something on a busy machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--loam", default=support.LOAM)
    parser.add_argument("--projects", type=int, default=300)
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--built", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--json")
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory(prefix="loam-bench-") as base:
        base = pathlib.Path(base)
        case = support.LoamCase()
        case.base = base
        folder = base / "monorepo"
        write_monorepo(folder, options.projects, options.targets, options.built)
        bench.timed(options.loam, "image", "import", "--root", base / "root", "--tag", "bench-base:1", case.busybox_rootfs())

        def report(name, *words, repeat=options.repeat):
            runs, processor = [], []
            for _ in range(repeat):
                before = processor_time()
                runs.append(bench.timed(options.loam, *words, cwd=folder))
                processor.append(processor_time() - before)
            figures[name] = {"ms": statistics.median(r[0] for r in runs) * 1000, "least_ms": min(r[0] for r in runs) * 1000,
                             "cpu_ms": statistics.median(processor) * 1000, "mb": max(r[1] for r in runs)}
            print("{:<40} {ms:8.1f} ms   least {least_ms:8.1f} ms   CPU {cpu_ms:8.1f} ms   {mb:6.1f} MB".format(
                name, **figures[name]), flush=True)

        files = options.projects + 2
        report(f"loam ls ./... ({files} Earthfiles)", "ls", "./...")
        report("loam ls, of one", "ls")
        build = ("build", "--root", base / "root", "--progress=plain", "+all")
        report(f"+all of {options.built} targets, first time", *build, repeat=1)
        report(f"+all of {options.built} targets, all cached", *build)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
