"""Builds of a daemon that are cut off or fail at each of their phases: one clear error, builds beside them go on, and nothing
is left: descriptors, mounts, children, cgroups, files of the state root."""
import contextlib
import http.server
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

from support import LOAM, main, wait_for
from test_daemon import DaemonCase


class PushRegistry:
    """A registry that takes images, and can be told to spoil one request: spoil(handler, method, path) is true if it has
    answered, or dropped, the request itself."""

    def __init__(self, spoil=lambda *_: False):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def body(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def answer(self, code, **headers):
                self.send_response(code)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()

            def handle_one(self):
                if spoil(self, self.command, self.path):
                    return
                self.body()
                if self.command == "POST":
                    self.answer(202, Location=self.path + "upload")
                elif self.command == "PATCH":
                    self.answer(202, Location=self.path)
                elif self.command == "PUT":
                    self.answer(201)
                else:
                    self.answer(200 if self.path == "/v2/" else 404)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_one

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.image = f"127.0.0.1:{self.server.server_port}/x:1"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class FaultCase(DaemonCase):
    def client(self, *args):
        """loam as a client of the daemon, with a process group of its own."""
        return subprocess.Popen([LOAM, "build", "--progress=plain", "--engine", self.address, *map(str, args), "."], cwd=self.work,
                                env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def scraps(self):
        """Files of builds that run; none are there when none runs."""
        return sorted(str(path) for folder in ("tmp", "layers/.work") if (self.root / folder).exists()
                      for path in (self.root / folder).iterdir())

    def rest(self, process):
        """What the daemon holds, once that does not change any more."""
        state = self.settled(process)
        wait_for(lambda: self.scraps() == [], f"the end of {self.scraps()}", 10)
        return state

    def same_rest(self, process, before):
        wait_for(lambda: self.held(process)["descriptors"] <= before["descriptors"], "the release of descriptors", 20)
        after = self.rest(process)
        self.assertEqual((after["mounts"], after["children"]), (before["mounts"], before["children"]))
        cgroups = [p for p in pathlib.Path("/sys/fs/cgroup").glob("*/loam/step-*") if p.name.split("-")[1] == str(process.pid)]
        self.assertEqual(cgroups, [])

    def others_go_on(self):
        self.assertEqual(self.load("--clients", 3, "--steps", 2, "--salt", f"beside-{time.monotonic_ns()}")["errors"], [])

    def fails_and_leaves_nothing(self, process, says, *args):
        """A build that fails and says why, twice: the first may make what stays. What the daemon holds after it."""
        before = None
        for _ in range(2):
            client = self.client("--no-cache", *args)
            _, said = client.communicate(timeout=120)
            said = said.decode()
            self.assertEqual(client.returncode, 1, said)
            self.assertRegex(said, says)
            self.assertNotIn("internal error", said)
            before = before or self.rest(process)
        self.others_go_on()
        self.same_rest(process, before)
        return before

    def small_disk(self, path, megabytes):
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], check=True)
        self.addCleanup(subprocess.run, ["umount", str(path)], check=True)

    def move_root_to_small_disk(self, megabytes):
        disk = self.base / "disk"
        self.small_disk(disk, megabytes)
        subprocess.run(["cp", "-a", self.root, disk / "root"], check=True)
        self.root = disk / "root"


class ClientsThatDie(FaultCase):
    def dies(self, process, reached, *args):
        """A client that is killed when reached(client) returns, while others build; twice, the first time may make what
        stays."""
        before = None
        for _ in range(2):
            client = self.client("--no-cache", *args)
            try:
                reached(client)
                self.others_go_on()
                self.assertIsNone(client.poll(), "it still builds")
            finally:
                client.kill()
                client.communicate()
            self.others_go_on()
            if before is None:
                wait_for(lambda: self.held(process)["children"] == 0, "the end of its containers")
                before = self.rest(process)
            else:
                self.same_rest(process, before)

    def test_while_it_sends_its_context(self):
        with open(self.work / "big", "wb") as file:
            file.truncate(3 << 30)  # takes longer than the test
        self.write("Dockerfile", "FROM scratch\nCOPY big /\n")

        def arrives(client):
            folder = self.root / "client-dirs"
            wait_for(lambda: folder.exists() and any(path.stat().st_size > 1 << 20 for path in folder.rglob("*") if path.is_file()),
                     "the arrival of the first bytes")
        with self.daemon() as process:
            self.dies(process, arrives)

    def test_while_a_step_runs(self):
        self.import_busybox("box:1")
        self.write("Dockerfile", "FROM box:1\nRUN echo begun; sleep 999\n")
        with self.daemon() as process:
            self.dies(process, lambda client: wait_for(lambda: self.held(process)["children"] > 0, "the step running"))

    def test_while_it_takes_the_result(self):
        (self.work / "big").write_bytes(os.urandom(24 << 20))
        self.write("Dockerfile", "FROM scratch\nCOPY big /\n")
        with self.daemon() as process:
            self.dies(process, lambda client: self.assertTrue(client.stdout.read(1)), "-o", "type=tar,dest=-")

    def test_while_its_image_is_pushed(self):
        self.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        stalled = threading.Semaphore(0)

        def stall(request, method, path):
            if method not in ("PUT", "PATCH"):
                return False
            stalled.release()
            with contextlib.suppress(OSError):
                while request.connection.recv(1 << 16):
                    pass
            request.close_connection = True
            return True
        with PushRegistry(stall) as registry, self.daemon() as process:
            self.dies(process, lambda client: self.assertTrue(stalled.acquire(timeout=30)), "-t", registry.image, "--push")


class PushFaults(FaultCase):
    def refused(self, spoil, says):
        self.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        with PushRegistry(spoil) as registry, self.daemon() as process:
            for attempt in range(2):
                client = self.client("-t", registry.image, "--push")
                _, said = client.communicate(timeout=120)
                said = said.decode()
                self.assertEqual(client.returncode, 1, said)
                self.assertRegex(said, says)
                self.assertNotIn("internal error", said)
                if attempt == 0:
                    before = self.rest(process)
            self.others_go_on()
            self.same_rest(process, before)

    def test_no_uploads_are_taken(self):
        self.refused(lambda request, method, path: method == "POST" and (request.body(), request.answer(403)),
                     r"(?i)denied|forbidden|403")

    def test_an_upload_has_no_place(self):
        self.refused(lambda request, method, path: method == "POST" and (request.body(), request.answer(202)), r"(?i)location")

    def test_an_upload_is_dropped(self):
        def drop(request, method, path):
            if method not in ("PUT", "PATCH") or "/manifests/" in path:
                return False
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return True
        self.refused(drop, r"(?i)recv|send|closed|reset|empty reply")

    def test_the_manifest_is_not_taken(self):
        self.refused(lambda request, method, path: "/manifests/" in path and method == "PUT" and
                     (request.body(), request.answer(400)), r"(?i)manifest.*400|400.*manifest|bad request")

    def test_it_says_another_digest(self):
        wrong = "sha256:" + "0" * 64
        self.refused(lambda request, method, path: "/manifests/" in path and method == "PUT" and
                     (request.body(), request.answer(201, Docker_Content_Digest=wrong)), wrong)


class FullDisks(FaultCase):
    def setUp(self):
        super().setUp()
        self.import_busybox("box:1")
        self.move_root_to_small_disk(24)

    def full(self, dockerfile, *args, says=r"(?i)no space left|disk (I/O error|is full)"):
        """A build that does not fit fails and says why; a small one beside it, and after it, is built."""
        self.write("Dockerfile", dockerfile)
        with self.daemon() as process:
            self.fails_and_leaves_nothing(process, says, *args)

    def test_by_a_step(self):
        self.full("FROM box:1\nRUN dd if=/dev/zero of=/big bs=1M count=40\n")

    def test_by_a_context(self):
        self.write("big", os.urandom(40 << 20))
        self.full("FROM box:1\nCOPY big /\n")

    def test_by_a_copy(self):
        # The step's file fits once, not twice.
        self.full("FROM box:1 AS a\nRUN dd if=/dev/zero of=/big bs=1M count=12\nFROM scratch\nCOPY --from=a /big /\n")

    def test_by_what_is_handed_over(self):
        # The directory for the client is made here first.
        self.full("FROM box:1\nRUN dd if=/dev/zero of=/big bs=1M count=12\n", "-o", "out")

    def test_by_the_layers_of_an_image(self):
        self.full("FROM box:1\nRUN dd if=/dev/urandom of=/big bs=1M count=13\n", "-o", "type=oci,dest=image.tar")


if __name__ == "__main__":
    main()
