#!/usr/bin/env python3
"""Benchmarks of whole builds, Loam against Debian's dockerd (DOCKER_BUILDKIT=1) in one run, printed as ratios.

    tests/bench/bench.py [--loam PATH] [--only a,b,...] [--json OUT] [--repeat N]

Needs root, docker.io and busybox-static. Both engines start with an empty state in one temporary folder. Ratios above 1 mean
that Loam is faster (or smaller). dockerd cannot write OCI archives, so (d) is compared with skopeo converting the same image.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
import inputs  # noqa: E402
import support  # noqa: E402

# The client of Debian's docker.io package; another one in PATH may lack the buildx plugin that it needs for BuildKit.
DOCKER = "/usr/bin/docker"


def timed(*args, env=None, cwd=None):
    """Wall time in seconds and peak resident memory in MB of the command itself."""
    begin = time.perf_counter()
    process = subprocess.Popen([str(a) for a in args], env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{args} failed:\n{output.decode(errors='replace')[-4000:]}")
    return seconds, usage.ru_maxrss / 1000, output


class Peers:
    """A loam state root and a dockerd, both fresh, both with the base image."""

    def __init__(self, loam, base):
        self.loam_program, self.base = loam, base
        self.root = base / "loam-root"
        self.docker_dir = base / "docker"
        self.docker_dir.mkdir()
        self.environment = os.environ | {"DOCKER_HOST": f"unix://{self.docker_dir}/sock", "DOCKER_BUILDKIT": "1",
                                         "HOME": str(base)}
        self.dockerd = None
        self.dockerd_start = self.start_dockerd()
        rootfs = self.make_rootfs()
        subprocess.run([DOCKER, "import", str(rootfs), inputs.BASE], env=self.environment, check=True, capture_output=True)
        self.loam("image", "import", "--tag", inputs.BASE, rootfs)

    def make_rootfs(self):
        case = support.LoamCase()
        case.base = self.base
        return case.busybox_rootfs()

    def start_dockerd(self):
        begin = time.perf_counter()
        d = self.docker_dir
        log = open(d / "log", "ab")
        self.dockerd = subprocess.Popen(
            ["dockerd", "--bridge", "none", "--iptables=false", "--data-root", d / "data", "--exec-root", d / "exec",
             "--pidfile", d / "pid", "-H", f"unix://{d}/sock"], stdout=log, stderr=log)
        while subprocess.run([DOCKER, "version"], env=self.environment, capture_output=True).returncode != 0:
            if self.dockerd.poll() is not None:
                raise SystemExit("dockerd ended: " + (d / "log").read_text()[-2000:])
            time.sleep(0.02)
        return time.perf_counter() - begin

    def dockerd_rss(self):
        """Resident MB of dockerd and the containerd it started."""
        total = 0
        for pid in [str(self.dockerd.pid)] + self.children(self.dockerd.pid):
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total / 1000

    def children(self, pid):
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def stop(self):
        self.dockerd.terminate()
        self.dockerd.wait(60)

    def loam(self, verb, *args):
        return timed(self.loam_program, verb, "--root", self.root, *args, env=self.environment)

    def loam_build(self, context, *args):
        return self.loam("build", "--progress=plain", *args, context)

    def docker_build(self, context, *args):
        return timed(DOCKER, "build", "--progress=plain", "--network=host", *args, context, env=self.environment)


class Report:
    def __init__(self):
        self.rows = []

    def add(self, case, peer_name, peer, ours, unit="s"):
        ratio = peer / ours if ours else float("inf")
        self.rows.append({"case": case, "peer": peer_name, "peer_value": peer, "loam": ours, "unit": unit, "ratio": ratio})
        digits = 3 if unit == "s" else 1
        print(f"{case:<46} {peer_name:<9} {peer:9.{digits}f} {unit:<2}   loam {ours:9.{digits}f} {unit:<2}   ratio {ratio:7.1f}", flush=True)


    def alone(self, case, ours):
        self.rows.append({"case": case, "loam": ours, "unit": "s"})
        print(f"{case:<46} {'':<22}   loam {ours:9.3f} s", flush=True)


def median(function, repeat):
    return statistics.median(function()[0] for _ in range(repeat))


def bench_a(peers, report, folder, repeat):
    inputs.steps_40(folder)
    peers.docker_build(folder)
    peers.loam_build(folder)
    report.add("(a) no-change rebuild, 40 steps", "dockerd", median(lambda: peers.docker_build(folder), repeat),
               median(lambda: peers.loam_build(folder), repeat))


def bench_b(peers, report, folder, repeat):
    inputs.runs_100(folder)
    docker = peers.docker_build(folder)[0]
    loam = peers.loam_build(folder)[0]
    report.add("(b) RUN true, cold, each of 100", "dockerd", docker / 100, loam / 100)


def bench_c(peers, report, folder, repeat):
    inputs.files_20000(folder)
    report.add("(c) context of 20,000 files, first time", "dockerd", peers.docker_build(folder)[0], peers.loam_build(folder)[0])
    report.add("(c) context of 20,000 files, unchanged", "dockerd", median(lambda: peers.docker_build(folder), repeat),
               median(lambda: peers.loam_build(folder), repeat))


def bench_d(peers, report, folder, repeat):
    inputs.gib_1(folder)
    peers.loam_build(folder)
    plain = folder.parent / "plain"
    peers.loam_build(folder, "-o", f"type=oci,dest={plain},tar=false,compression=uncompressed,force-compression=true")
    for compression in ("gzip", "zstd"):
        out = folder.parent / f"{compression}.tar"
        theirs = folder.parent / f"{compression}-skopeo.tar"
        peer = timed("skopeo", "--insecure-policy", "copy", "--dest-compress", "--dest-compress-format", compression,
                     f"oci:{plain}", f"oci-archive:{theirs}")[0]
        shutil.rmtree(peers.root / "exported", ignore_errors=True)
        ours = peers.loam_build(folder, "-o", f"type=oci,dest={out},compression={compression},force-compression=true")[0]
        report.add(f"(d) export of 1 GiB as OCI tar, {compression}", "skopeo", peer, ours)
        report.add(f"(d) size of that archive, {compression}", "skopeo", theirs.stat().st_size / 1e6, out.stat().st_size / 1e6, "MB")
        out.unlink()
        theirs.unlink()


def bench_e(peers, report, folder, repeat):
    inputs.first_step(folder)
    peers.stop()
    idle = []
    peers.dockerd_start = peers.start_dockerd()
    idle.append(peers.dockerd_rss())
    docker = peers.dockerd_start + peers.docker_build(folder, "--no-cache")[0]
    runs = [peers.loam_build(folder, "--no-cache") for _ in range(repeat)]
    report.add("(e) process start to the end of one RUN true", "dockerd", docker, statistics.median(r[0] for r in runs))
    report.add("(e) memory: dockerd idle, loam's peak", "dockerd", idle[0], statistics.median(r[1] for r in runs), "MB")


def bench_f(peers, report, folder, repeat):
    # Debian's dockerd stops at 125 layers, so it takes part with 100 stages; 200 are for Loam alone.
    small = folder / "small"
    small.mkdir()
    inputs.stages(small, 100)
    report.add("(f) 100 stages x 5 COPY, first time", "dockerd", peers.docker_build(small)[0], peers.loam_build(small)[0])
    report.add("(f) 100 stages x 5 COPY, unchanged", "dockerd", median(lambda: peers.docker_build(small), repeat),
               median(lambda: peers.loam_build(small), repeat))
    large = folder / "large"
    large.mkdir()
    inputs.stages(large, 200)
    report.alone("(f) 200 stages x 5 COPY, first time", peers.loam_build(large)[0])
    report.alone("(f) 200 stages x 5 COPY, unchanged", median(lambda: peers.loam_build(large), repeat))


def bench_g(peers, report, folder, repeat):
    # What buildx does with dockerd behind it: a whole archive each time.
    for mib in (1024, 64):
        context = folder / str(mib)
        context.mkdir()
        inputs.small_on_large(context, mib)
        archive = folder / "image.tar"
        tag = f"bench:{mib}"

        def changed(number, tag=tag, context=context):
            (context / "small").write_text(f"{tag} {number}")

        def by_archive(tag=tag, context=context):
            return (peers.loam_build(context, "-t", tag, "-o", f"type=docker,dest={archive}")[0] +
                    timed(DOCKER, "load", "-i", archive, env=peers.environment)[0])

        peers.loam_build(context, "-t", tag, "--load")
        ours, theirs = [], []
        for number in range(repeat):
            changed(f"ours {number}")
            ours.append(peers.loam_build(context, "-t", tag, "--load")[0])
        for number in range(max(1, repeat // 3)):
            changed(f"theirs {number}")
            theirs.append(by_archive())
        archive.unlink()
        report.add(f"(g) load of a small change on {mib} MiB", "archive", statistics.median(theirs), statistics.median(ours))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loam", default=os.environ.get("LOAM", "build/gcc-release/bin/loam"))
    parser.add_argument("--only", default="a,b,c,d,e,f,g")
    parser.add_argument("--json")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    base = pathlib.Path(tempfile.mkdtemp(prefix="loam-bench-"))
    report = Report()
    peers = None
    try:
        peers = Peers(pathlib.Path(options.loam).resolve(), base)
        for name in options.only.split(","):
            folder = base / name / "context"
            folder.mkdir(parents=True)
            globals()[f"bench_{name}"](peers, report, folder, options.repeat)
            shutil.rmtree(base / name)
    finally:
        if peers:
            peers.stop()
        shutil.rmtree(base, ignore_errors=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report.rows, indent=1))


if __name__ == "__main__":
    main()
