"""What the end-to-end tests share: a state root and a work folder for each case, the loam program, base images made on the
spot, and the partners (docker-registry, dockerd) started on loopback or a private socket."""
import contextlib
import fcntl
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import unittest
import urllib.request

LOAM = os.environ.get("LOAM", "loam")
# What an image needs to have for WITH DOCKER.
DOCKER_PACKAGES = ("busybox-static", "docker.io", "iptables", "iproute2", "ca-certificates")
SOURCE_DIR = pathlib.Path(os.environ.get("LOAM_SOURCE_DIR", pathlib.Path(__file__).parents[2]))


def need(condition, why):
    """Skips the case, saying why; in CI (LOAM_E2E_REQUIRE_ALL=1) that is a failure."""
    if condition:
        return
    if os.environ.get("LOAM_E2E_REQUIRE_ALL") == "1":
        raise AssertionError("cannot run here: " + why)
    raise unittest.SkipTest(why)


def need_root():
    need(os.geteuid() == 0, "needs root")


def need_program(name):
    need(shutil.which(name) is not None, f"needs the program {name}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Finished:
    """The outcome of one run of loam."""

    def __init__(self, process, out, err):
        self.code, self.out, self.err = process.returncode, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class LoamCase(unittest.TestCase):
    """A case with a state root (self.root), a folder for its files (self.work) and the program."""

    maxDiff = None

    def setUp(self):
        need_root()
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="loam-e2e-"))
        self.addCleanup(self.remove_base)
        self.root = self.base / "root"
        self.work = self.base / "work"
        self.work.mkdir()
        self.started = set()  # process ids of loam, for leftovers()

    def remove_base(self):
        shutil.rmtree(self.base)

    def environment(self, **extra):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("LOAM_", "DOCKER_", "BUILDKIT_", "SOURCE_DATE"))}
        env.update(HOME=str(self.base), NO_COLOR="1", **extra)
        return env

    def start(self, *args, cwd=None, env=None, **popen):
        command = [LOAM, args[0], "--root", str(self.root), *map(str, args[1:])]
        process = subprocess.Popen(command, cwd=cwd or self.work, env=self.environment(**(env or {})),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)
        self.started.add(str(process.pid))
        return process

    def loam(self, *args, stdin=None, check=None, binary=False, **start):
        """Runs loam; check=0 asserts the exit code."""
        process = self.start(*args, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, **start)
        out, err = process.communicate(stdin, timeout=600)
        done = Finished(process, out if binary else out.decode(), err.decode(errors="replace"))
        if check is not None:
            self.assertEqual(done.code, check, done)
        return done

    def build(self, *args, check=0, **more):
        return self.loam("build", "--progress=plain", *args, check=check, **more)

    def write(self, path, text, mode=None):
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            file.write_bytes(text)
        else:
            file.write_text(text)
        if mode is not None:
            file.chmod(mode)
        return file

    # --- base images -------------------------------------------------------------------------------------------------

    def busybox_rootfs(self):
        """A tar of a root filesystem made of Debian's static busybox."""
        busybox = shutil.which("busybox")
        need(busybox is not None, "needs busybox-static")
        path = self.base / "busybox.tar"
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
        with tarfile.open(path, "w") as tar:
            def add(name, kind, mode=0o755, **fields):
                info = tarfile.TarInfo(name)
                info.type, info.mode = kind, mode
                data = fields.pop("data", b"")
                for key, value in fields.items():
                    setattr(info, key, value)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            for folder in ("bin", "etc", "root", "tmp", "dev", "proc", "sys", "var"):
                add(folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755)
            add("bin/busybox", tarfile.REGTYPE, data=pathlib.Path(busybox).read_bytes())
            for applet in applets:
                if applet != "busybox":
                    add("bin/" + applet, tarfile.SYMTYPE, linkname="busybox")
            add("etc/passwd", tarfile.REGTYPE, 0o644,
                data=b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n")
            add("etc/group", tarfile.REGTYPE, 0o644, data=b"root:x:0:\nuser:x:1000:\nextra:x:2000:user\n")
        return path

    def import_busybox(self, name="busybox:latest"):
        self.loam("image", "import", "--tag", name, self.busybox_rootfs(), check=0)
        return name

    def debian_image(self, name, *packages):
        """Imports an image of these Debian packages."""
        self.loam("image", "import", "--tag", name, self.debian_rootfs(*packages), check=0)
        return name

    def debian_rootfs(self, *packages):
        """The tar of a root filesystem of these Debian packages. It is kept between runs: making it means downloading."""
        need_program("apt-get")
        script = SOURCE_DIR / "scripts/debian-rootfs"
        key = hashlib.sha256(script.read_bytes() + " ".join(packages).encode()).hexdigest()[:16]
        kept = pathlib.Path(os.environ.get("LOAM_TEST_IMAGES", "/var/tmp/loam-test-images"), key + ".tar")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with open(kept.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                self.run_checked(script, kept, *packages)
        return kept

    def node_image(self, name):
        return self.debian_image(name, *self.node_packages())

    @staticmethod
    def node_packages():
        """Debian's Node.js and npm, also where apt prefers another vendor's."""
        versions = subprocess.run(["apt-cache", "madison", "nodejs"], capture_output=True, text=True).stdout
        packaged = [line.split("|")[1].strip() for line in versions.splitlines() if "debian" in line or "deb12" in line]
        need(packaged, "needs Debian's nodejs in apt's lists")
        return "busybox-static", "nodejs=" + packaged[0], "libnode108", "npm"

    # --- partners ----------------------------------------------------------------------------------------------------

    def start_registry(self):
        """Debian's docker-registry on a free loopback port; returns "127.0.0.1:PORT"."""
        need_program("docker-registry")
        port = free_port()
        config = self.base / "registry.yml"
        config.write_text(json.dumps({
            "version": 0.1, "log": {"level": "error"}, "http": {"addr": f"127.0.0.1:{port}"},
            "storage": {"filesystem": {"rootdirectory": str(self.base / "registry")}, "delete": {"enabled": True}}}))
        log = open(self.base / "registry.log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def answers():
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1).status == 200
        wait_for(answers, "docker-registry answering")
        return f"127.0.0.1:{port}"

    def start_dockerd(self, launcher=(), more=()):
        """Debian's dockerd with its own data root and socket; returns the environment for the docker client. `launcher`: words
        before its command line; `more`: further flags."""
        need_program("dockerd")
        run = pathlib.Path(tempfile.mkdtemp(prefix="loam-dockerd-"))
        log = open(run / "log", "wb")
        process = subprocess.Popen(
            [*launcher, "dockerd", "--bridge", "none", "--iptables=false", "--data-root", run / "data", "--exec-root", run / "exec",
             "--pidfile", run / "pid", "-H", f"unix://{run}/docker.sock", *map(str, more)], stdout=log, stderr=log)

        def stop():
            process.terminate()
            process.wait(60)
            log.close()
            shutil.rmtree(run, ignore_errors=True)
        self.addCleanup(stop)
        env = {"DOCKER_HOST": f"unix://{run}/docker.sock"}

        def answers():
            return subprocess.run(["docker", "version"], env=os.environ | env, capture_output=True).returncode == 0
        wait_for(answers, "dockerd answering", 60)
        return env

    def run_checked(self, *args, env=None, **more):
        done = subprocess.run([str(a) for a in args], capture_output=True, text=True, env=os.environ | (env or {}), **more)
        self.assertEqual(done.returncode, 0, f"{args}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    # --- leaks -------------------------------------------------------------------------------------------------------

    def leftovers(self):
        """Mounts and processes that name this case's state root, and cgroups of steps that this case's processes made."""
        with open("/proc/self/mountinfo", encoding="utf-8") as lines:
            mounts = [line for line in lines if str(self.root) in line]
        # A step's cgroup is named step-PID-…: other tests may run at the same time.
        cgroups = [str(p) for p in pathlib.Path("/sys/fs/cgroup").glob("*/loam/step-*") if p.name.split("-")[1] in self.started]
        processes = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(self.root) in command and int(entry.name) != os.getpid():
                    processes.append(command)
        return {"mounts": mounts, "cgroups": cgroups, "processes": processes}


def kill_group(process, sig=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, sig)


def main():
    unittest.main(verbosity=2)
