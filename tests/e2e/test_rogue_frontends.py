"""Frontend images that misbehave (rogue_frontend.cpp): each ends in one clear error, other builds go on, and nothing is left
behind."""
import contextlib
import os
import pathlib
import re
import subprocess
import tarfile
import time

from support import LOAM, main, need, wait_for
from test_daemon import LOAD, DaemonCase, memory

ROGUE = os.environ.get("LOAM_ROGUE_FRONTEND", str(pathlib.Path(LOAM).with_name("rogue-frontend")))
IMAGE = "rogue:1"

# Frames without end, none of them a call.
FLOODS = ("frames", "settings", "headers")

# What each is told, and whether the client hears of it as of a failed build.
ERRORS = {
    "silent": "no result for incomplete build",
    "fails": "exit code: 3: no idea what to do",
    "crashes": "exit code: (13[49]|1: AddressSanitizer)",
    "garbage": "frontend grpc server closed unexpectedly",
    "no such ref": "no such ref: ref999999999",
    "platforms that are none": "refs.platforms of the result is no list of platforms",
    "config that is none": "image config: not a JSON object",
    "config that is deep": "containerimage.config of the result is nested too deeply",
    "attestation of nothing": "no such ref: ref0",
    "others' refs": "none of 500 references of others",
    "malformed": "refused all of them",
    "deep": "not/there:1",
    "huge": "(?i)larger than max",
    "files": "read: inside\ninside\nrefused: /pipe is no regular file; /big is larger than 64 MiB; /bin is no regular file",
    "insecure step": "security.insecure is not allowed",
    "host network step": "network.host is not allowed",
    "insecure process": "security.insecure is not allowed",
    "host network container": "network.host is not allowed",
    "device step": "vendor.example/device",
    "client's files": "session",
    "messages": "ProcessID required; IO for process \"q\" not found; container \"no such\" .*; "
                "failed to find ref ref0 .*; a warning about .*; container details for never made not found; $",
    "nested": "frontends are nested more than 16 deep",
    "another frontend": "bad at once: failed; bad: ok; its file: process .* did not complete successfully: exit code: 7, "
                        "with config; good at once: ok; its file: made, with config; good: ok; its file: made, with config;",
}


class RogueFrontends(DaemonCase):
    def setUp(self):
        super().setUp()
        need(os.access(ROGUE, os.X_OK), f"needs {ROGUE}")
        self.import_busybox("box:1")
        with tarfile.open(self.work / "program.tar", "w") as tar:
            tar.add(ROGUE, "rogue-frontend")
            listed = subprocess.run(["ldd", ROGUE], capture_output=True, text=True).stdout
            for library in sorted(set(re.findall(r"(/\S+) \(0x", listed))):
                tar.add(os.path.realpath(library), library.lstrip("/"))
        self.write("Dockerfile", "FROM scratch\nADD program.tar /\nENTRYPOINT [\"/rogue-frontend\"]\n")
        self.build("-t", IMAGE, ".")

    def words(self, mode):
        return ["--frontend", IMAGE, "--opt", f"mode={mode}", "--opt", "image=box:1", "--export", "image"]

    def ask(self, mode, check=1):
        errors = self.load(*self.words(mode), check=check)["errors"]
        self.assertEqual(len(errors), check)
        return errors[0] if errors else ""

    def held(self, process):
        """Connections to databases are kept for the next one who needs them."""
        held = super().held(process)
        base = pathlib.Path(f"/proc/{process.pid}/fd")
        names = []
        for fd in os.listdir(base):
            with contextlib.suppress(FileNotFoundError):
                names.append(os.readlink(base / fd))
        return held | {"descriptors": len([name for name in names if not re.search(r"\.db(-shm|-wal)?$", name)])}

    def warm(self, process):
        """What is made once is there."""
        self.ask("others' refs")
        self.load("--steps", 1, "--image", "127.0.0.1:1/not/there:1", check=1)
        self.ask("containers left", check=0)
        self.assertEqual(self.load("--steps", 2, "--image", "box:1")["errors"], [])
        return self.settled(process)

    def assert_nothing_left(self, process, before):
        def same():
            now = self.held(process)
            return now["descriptors"] <= before["descriptors"] and (now["mounts"], now["children"]) == (
                before["mounts"], before["children"])
        try:
            wait_for(same, "the release of all", 10)
        except AssertionError as error:
            targets = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
            raise AssertionError(f"{before} before, {self.held(process)} after: {sorted(targets)}") from error
        self.assertEqual(self.leftovers()["cgroups"], [])

    def assert_nothing_leased(self):
        """All that the builds held may go from the cache."""
        left = self.load("--prune", "all")["left"]
        self.assertEqual([each for each in left if each["in use"]], [])

    def test_one_clear_error_each(self):
        with self.daemon() as process:
            self.started.add(str(process.pid))
            before = self.warm(process)
            used = memory(process)
            for mode, says in ERRORS.items():
                with self.subTest(mode):
                    self.assertRegex(self.ask(mode), f"(?s){says}")
            with self.subTest("containers that nobody releases"):
                self.ask("containers left", check=0)
            self.assertEqual(self.load("--steps", 2, "--salt", "after")["errors"], [])
            self.assert_nothing_left(process, before)
            wait_for(lambda: memory(process) < used + 100, "memory going back to the system")
            self.assert_nothing_leased()

    def test_what_never_ends_ends_with_its_client(self):
        with self.daemon() as process:
            self.started.add(str(process.pid))
            before = self.warm(process)
            used = memory(process)
            for mode in ("never", "closes", "hold", "frames", "settings", "headers", "containers held", "crowd",
                         "stays after its result"):
                with self.subTest(mode):
                    client = subprocess.Popen([LOAD, "--addr", self.address, *self.words(mode)], stdout=subprocess.PIPE, text=True)
                    self.addCleanup(client.wait)
                    self.addCleanup(client.kill)
                    wanted = 4 if mode == "containers held" else 2 if mode == "crowd" else 1
                    wait_for(lambda: self.held(process)["children"] >= before["children"] + wanted, "the frontend's start")
                    if mode in ("frames", "settings", "headers", "crowd"):
                        time.sleep(0.5)  # so much comes in that time as would be noticed
                    self.assertEqual(self.load("--steps", 2, "--salt", mode)["errors"], [])
                    if mode in FLOODS and client.poll() is not None:
                        # gRPC cuts off who floods it, if it finds the room to say so.
                        self.assertIn("frontend grpc server closed unexpectedly", client.communicate()[0])
                    else:
                        self.assertIsNone(client.poll(), "it still runs")
                    self.assertLess(memory(process), used + 400)
                    client.kill()
                    client.wait()
                    client.stdout.close()
                    self.assert_nothing_left(process, before)
            wait_for(lambda: memory(process) < used + 100, "memory going back to the system")
            self.assert_nothing_leased()

    def test_what_never_ends_ends_with_the_daemon(self):
        with self.daemon() as process:
            clients = []
            for mode in ("never", "hold", "containers held"):
                clients.append(subprocess.Popen([LOAD, "--addr", self.address, *self.words(mode)], stdout=subprocess.PIPE,
                                                text=True))
            wait_for(lambda: self.held(process)["children"] >= 6, "the frontends' start")
            process.terminate()
            log = self.base / "loamd.log"
            wait_for(lambda: "a second signal cancels them" in log.read_text(), "the first signal's effect")
            process.terminate()
            process.wait(30)
            for client in clients:
                said, _ = client.communicate(timeout=30)
                self.assertEqual(client.returncode, 1, said)
            self.assertEqual(self.leftovers()["mounts"], [])


if __name__ == "__main__":
    main()
