#!/usr/bin/env python3
"""Runs the execution scenarios of Earthfiles (earthfile/exec of a conformance folder) on `loam earthly`: makes base images,
serves them from a registry on loopback, runs the scenarios in parallel in private mount namespaces, counts the outcomes.

  earthfile_exec.py --loam build/gcc-debug/bin/loam [--dir ../shared/conformance] [--filter REGEX] [--jobs N] [--json OUT]
                    [--floor tests/conformance/earthfile_exec.json] [-v]

Where Loam words a message otherwise, the floor file lists the scenario under `reworded` with both texts: the scenario is
then run with Loam's text instead. `not_here` are scenarios that ask for what is not there, each with the reason; they are
run, and counted apart. Exit 77: nothing to run here."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import base_images  # noqa: E402

ALPINE = ["3.11", "3.18", "3.18.3", "3.18.6", "3.19.1", "3.24", "3.24.1"]
BUSYBOX = ["latest", "1.32.0", "1.32.1", "1.34"]
# What tests write outside of their sandbox lies below these: each scenario gets its own, empty. /root is shown as it is,
# but nothing written there stays.
PRIVATE = ["/my", "/the-test", "/a"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loam", default=os.environ.get("LOAM", "loam"))
    parser.add_argument("--dir", default=str(HERE.parents[1].parent / "shared" / "conformance"))
    parser.add_argument("--filter", default=".")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2)))
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--json")
    parser.add_argument("--floor", default=str(HERE / "earthfile_exec.json"))
    parser.add_argument("-v", action="store_true")
    return parser.parse_args()


def wrapper(folder, loam, config):
    """The command line the runner calls: the scenario's cache folder is the state root, nothing of the invoker's
    environment decides."""
    script = folder / "earthly"
    script.write_text(f"""#!/bin/sh
# The cases were written for a container whose HOME is /root, and whose entry point knows EARTHLY_EXEC_CMD.
for name in .aws my-secret-file; do
  [ ! -e /root/$name ] || [ -e "$HOME/$name" ] || ln -s /root/$name "$HOME/$name"
done
if [ -n "$EARTHLY_EXEC_CMD" ]; then
  command=$EARTHLY_EXEC_CMD
  unset EARTHLY_EXEC_CMD
  exec /bin/sh $command
fi
unset GITHUB_ACTIONS CI BUILDKIT_PROGRESS NO_COLOR
export LOAM_CONFIG={config}
[ -z "$CASE_CACHE_DIR" ] || export LOAM_ROOT="$CASE_CACHE_DIR"
exec {loam} earthly "$@"
""")
    script.chmod(0o755)
    return script


def reworded_copy(folder, runner, reworded):
    """The corpus' runner and fixtures with scenarios that expect Loam's texts."""
    folder.mkdir()
    shutil.copy(runner, folder)
    (folder / "fixtures").symlink_to((runner.parent / "fixtures").resolve())
    scenarios = json.loads((runner.parent / "scenarios.json").read_text())
    for scenario in scenarios:
        for upstream, ours in reworded.get(scenario["id"], []):
            found = False
            for step in scenario["steps"]:
                for key in ("contains", "cmd"):
                    if upstream in (step.get(key) or ""):
                        step[key] = step[key].replace(upstream, ours)
                        found = True
            if not found:
                raise SystemExit(f"{scenario['id']} does not expect {upstream!r} any more")
    (folder / "scenarios.json").write_text(json.dumps(scenarios))
    return folder / runner.name


def run_one(options, runner, script, scenario):
    """Runs one scenario by the corpus' own runner, alone in a mount namespace."""
    with tempfile.TemporaryDirectory(prefix="loam-exec-") as folder:
        out = f"{folder}/out.json"
        tmp = f"{folder}/tmp"
        os.mkdir(tmp)
        private = " ".join(PRIVATE)
        setup = (f"set -e; mount --make-rprivate /; for d in {private}; do mount -t tmpfs -o mode=755 none $d; done; "
                 f"mkdir {folder}/up {folder}/work; "
                 f"mount -t overlay -o lowerdir=/root,upperdir={folder}/up,workdir={folder}/work none /root; "
                 # One case asks whether it runs on a host by looking for systemd.
                 f"printf 'systemd\\n' >{folder}/comm; mount --bind {folder}/comm /proc/1/comm; "
                 f"mkdir {folder}/bin; printf '#!/bin/sh\\necho none\\n' >{folder}/bin/systemd-detect-virt; "
                 f"chmod +x {folder}/bin/systemd-detect-virt; "
                 f"export PATH={folder}/bin:$PATH TMPDIR={tmp}; exec \"$@\"")
        command = ["unshare", "--mount", "sh", "-c", setup, "sh", sys.executable, str(runner), "--cli", str(script),
                   "--offline-only", "--allow-abs", "--filter", f"^{re.escape(scenario)}$", "--timeout", str(options.timeout),
                   "--json", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        try:
            result = [r for r in json.loads(pathlib.Path(out).read_text()) if r["id"] == scenario]
            return result[0] if result else {"id": scenario, "status": "error", "why": "the runner did not run it"}
        except OSError:
            return {"id": scenario, "status": "error", "why": done.stdout[-1500:]}


def main():
    options = arguments()
    runner = pathlib.Path(options.dir, "earthfile", "exec", "run_exec.py")
    if not runner.exists():
        print(f"no execution scenarios in {options.dir}")
        return 77
    if os.geteuid() != 0:
        print("the scenarios need root")
        return 77
    loam = shutil.which(options.loam)
    if loam is None:
        print(f"there is no program {options.loam}")
        return 2
    floor = {"pass": 0, "reworded": {}, "not_here": {}}
    if os.path.exists(options.floor):
        floor.update(json.loads(pathlib.Path(options.floor).read_text()))
    made = [pathlib.Path(p) for p in PRIVATE if not os.path.exists(p)]  # mount points
    for folder in made:
        folder.mkdir()
    scenarios = [s for s in json.loads((runner.parent / "scenarios.json").read_text()) if re.search(options.filter, s["id"])]
    results = []
    with tempfile.TemporaryDirectory(prefix="loam-exec-") as name, base_images.Registry() as registry:
        folder = pathlib.Path(name)
        registry.push_alpine(*ALPINE)
        registry.push_busybox(*BUSYBOX)
        runner = reworded_copy(folder / "exec", runner, floor["reworded"])
        config = folder / "config.toml"
        config.write_text(registry.mirror_config())
        script = wrapper(folder, os.path.abspath(loam), config)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            waiting = [pool.submit(run_one, options, runner, script, s["id"]) for s in scenarios]
            for done in concurrent.futures.as_completed(waiting):
                result = done.result()
                if result["status"] == "pass" and result["id"] in floor["reworded"]:
                    result["status"] = "reworded"
                if result["status"] == "fail" and result["id"] in floor["not_here"]:
                    result["status"] = "not here"
                results.append(result)
                if options.v or result["status"] not in ("pass", "reworded", "not here"):
                    print(f"{result['status']:8} {result['id']}", flush=True)
                    if options.v and result["why"]:
                        print("    " + result["why"].replace("\n", "\n    "), flush=True)
    for folder in made:
        folder.rmdir()
    results.sort(key=lambda r: r["id"])
    counts = {}
    for result in results:
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    good = counts.get("pass", 0) + counts.get("reworded", 0)
    print(f"execution scenarios: {good} of {len(results)} as expected", dict(sorted(counts.items())))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1))
    if options.filter == "." and good < floor["pass"]:
        print(f"that is fewer than the floor of {floor['pass']}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
