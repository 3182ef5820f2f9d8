"""loamd as a program: its names, signals, systemd's protocols, death and restart, and many clients at once (loam-load, a
client of our own, since no package of Debian speaks to build daemons)."""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import resource
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

from support import LOAM, LoamCase, free_port, main, need, need_program, wait_for

LOAMD = os.environ.get("LOAMD", str(pathlib.Path(LOAM).with_name("loamd")))
HOSTILE = os.environ.get("LOAM_HOSTILE", str(pathlib.Path(LOAM).with_name("loam-hostile")))
# The connection preface and an empty SETTINGS frame.
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
LOAD = os.environ.get("LOAM_LOAD", str(pathlib.Path(LOAM).with_name("loam-load")))


LIMIT_OF_DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)


def memory(process):
    """Resident memory in MB; 0 where a sanitizer's shadow and quarantine are most of it."""
    if os.environ.get("LOAM_SANITIZE"):
        return 0
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


class DaemonCase(LoamCase):
    def setUp(self):
        super().setUp()
        need(os.access(LOAMD, os.X_OK), f"needs {LOAMD}")
        self.socket = self.base / "loamd.sock"
        self.address = f"unix://{self.socket}"
        self.config = self.write("buildkitd.toml", "")

    def daemon_command(self, *args):
        return [LOAMD, "--config", str(self.config), "--root", str(self.root), *map(str, args)]

    @contextlib.contextmanager
    def daemon(self, *args, ends=0, descriptors=None):
        """A daemon on self.socket; it must end by SIGTERM with that code. `descriptors`: its limits, soft and hard."""
        log = self.base / "loamd.log"
        starts = log.read_text().count("running server") if log.exists() else 0
        with open(log, "ab") as out:
            process = subprocess.Popen(self.daemon_command("--addr", self.address, *args), stderr=out, stdout=out,
                                       env=self.environment(), preexec_fn=descriptors and (
                                           lambda: resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)))
        try:
            wait_for(lambda: process.poll() is not None or log.read_text().count("running server") > starts,
                     "the daemon's start")
            self.assertIsNone(process.poll(), log.read_text())
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
        self.assertEqual(process.returncode, ends, log.read_text())

    def load(self, *args, check=0, address=None):
        need(os.access(LOAD, os.X_OK), f"needs {LOAD}")
        done = subprocess.run([LOAD, "--addr", address or self.address, *map(str, args)], capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, check, done)
        return json.loads(done.stdout)

    def held(self, process):
        """What a process holds, for counting leaks."""
        base = pathlib.Path(f"/proc/{process.pid}")
        children = 0
        for thread in os.listdir(base / "task"):  # each has its own
            with contextlib.suppress(FileNotFoundError):
                children += len((base / f"task/{thread}/children").read_text().split())
        return {"descriptors": len(os.listdir(base / "fd")),
                "mounts": (base / "mountinfo").read_text().count(str(self.base)), "children": children}

    def settled(self, process):
        """What it holds once that does not change any more."""
        seen = []

        def same():
            time.sleep(0.2)
            seen.append(self.held(process))
            return len(seen) > 1 and seen[-1] == seen[-2]
        wait_for(same, "the daemon's rest")
        return seen[-1]

    def as_buildctl(self, *args, check=0, **run):
        """The program under the name buildctl."""
        link = self.base / "buildctl"
        if not link.exists():
            link.symlink_to(LOAMD)
        done = subprocess.run([link, "--addr", self.address, *args], capture_output=True, timeout=60, **run)
        self.assertEqual(done.returncode, check, done)
        return done


class Program(DaemonCase):
    def test_names_and_flags(self):
        link = self.base / "buildkitd"
        link.symlink_to(LOAMD)
        done = subprocess.run([link, "--version"], capture_output=True, text=True)
        self.assertRegex(done.stdout, r"^buildkitd loam v\d+\.\d+")
        done = subprocess.run([link, "--no-such-flag"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("buildkitd: flag provided but not defined: -no-such-flag", done.stderr)

    def test_configuration_file(self):
        self.config.write_text('[log]\nformat = "json"\n[worker.oci.labels]\nrack = "7"\n[unknown]\nx = 1\n')
        with self.daemon():
            pass
        lines = [json.loads(line) for line in (self.base / "loamd.log").read_text().splitlines()]
        self.assertIn("unknown setting `unknown`", " ".join(line["msg"] for line in lines if line["level"] == "warning"))
        self.config.write_text("[worker.oci]\nselinux = true\n")
        done = subprocess.run(self.daemon_command("--addr", self.address), capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("SELinux is not supported", done.stderr)

    def test_descriptors(self):
        """The daemon may have as many as it can get; steps have what it was started with, or what they ask for."""
        self.import_busybox("box:1")
        self.write("Dockerfile", "FROM box:1\nRUN ulimit -Sn > /limits; ulimit -Hn >> /limits\n")
        with self.daemon(descriptors=(300, 3000)) as process:
            for more, limits in ((), "300\n3000\n"), (("--ulimit", "nofile=100:200"), "100\n200\n"):
                self.assertEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE), (3000, 3000))
                done = subprocess.run([LOAM, "build", "--engine", self.address, "-o", "out", *more, "."], cwd=self.work,
                                      env=self.environment(), capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual((self.work / "out/limits").read_text(), limits)

    def test_layers_tell_what_made_them(self):
        """In BuildKit's words: they come into the history of images whose frontend wrote none."""
        self.import_busybox("box:1")
        self.write("Dockerfile", "FROM box:1 AS base\nRUN echo made > /made\nCOPY Dockerfile /\n")
        with self.daemon():
            done = subprocess.run([LOAM, "build", "--engine", self.address, "."], cwd=self.work, env=self.environment(),
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done)
            with contextlib.closing(sqlite3.connect(self.root / "layers.db")) as layers:
                texts = [text for (text,) in layers.execute("SELECT text FROM descriptions")]
        copied, made, pulled = sorted(texts)
        self.assertEqual((copied, made), ("[3/3] COPY Dockerfile /", "mount / from exec /bin/sh -c echo made > /made"))
        self.assertRegex(pulled, r"^pulled from docker.io/library/box:1@sha256:[0-9a-f]{64}$")

    def test_client_verbs(self):
        with self.daemon():
            self.assertRegex(self.as_buildctl("debug", "workers").stdout.decode(), r"(?m)^\w{25}\tlinux/")
            self.assertIn("BuildKit: loam v", self.as_buildctl("debug", "info").stdout.decode())
            # The connection preface and an empty SETTINGS frame of HTTP/2 are answered with the daemon's SETTINGS.
            answer = self.as_buildctl("dial-stdio", input=HTTP2_GREETING).stdout
            self.assertEqual(answer[3], 4, answer[:40])
        self.assertIn(b"dial unix", self.as_buildctl("dial-stdio", check=1).stderr)
        self.assertIn(b"not among what this client can do", self.as_buildctl("build", check=1).stderr)

    def test_socket_activation_and_notification(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.socket))
        listener.listen()
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        notify = self.base / "notify.sock"
        manager.bind(str(notify))
        manager.settimeout(30)
        # Descriptor 3, and the number of the process that it is for.
        shell = 'exec 3<&"$1"; shift; LISTEN_PID=$$ exec "$@"'
        process = subprocess.Popen(
            ["bash", "-c", shell, "-", str(listener.fileno()), *self.daemon_command("--addr", "fd://")],
            pass_fds=[listener.fileno()], stderr=subprocess.PIPE,
            env=self.environment(LISTEN_FDS="1", NOTIFY_SOCKET=str(notify)))
        try:
            self.assertEqual(manager.recv(100), b"READY=1")
            self.assertIn("BuildKit: loam", self.as_buildctl("debug", "info").stdout.decode())
            self.assertEqual(self.load("--clients", 3, "--steps", 2)["errors"], [])
        finally:
            process.terminate()
            _, err = process.communicate(timeout=60)
        self.assertEqual(manager.recv(100), b"STOPPING=1")
        self.assertEqual(process.returncode, 0, err)
        # The socket is the manager's: it stays.
        self.assertTrue(self.socket.exists())


class Tls(DaemonCase):
    def certificate(self, name, authority=None):
        def openssl(*args):
            subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=self.work)
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
               "-subj", f"/CN={name}"]
        if authority is None:
            openssl(*new, "-x509", "-days", 2, "-out", f"{name}.pem")
            return
        self.write("extensions", "subjectAltName=IP:127.0.0.1\n")
        openssl(*new, "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-days", 2, "-extfile", "extensions", "-out", f"{name}.pem")

    def test_clients_by_certificate_with_and_without_alpn(self):
        need_program("openssl")
        for name, authority in [("ca", None), ("server", "ca"), ("client", "ca"), ("stranger", None)]:
            self.certificate(name, authority)
        port = free_port()

        def settings(certificate, protocols):
            """The type of the first frame that the daemon sends."""
            context = ssl.create_default_context(cafile=self.work / "ca.pem")
            if certificate:
                context.load_cert_chain(self.work / f"{certificate}.pem", self.work / f"{certificate}.key")
            if protocols:
                context.set_alpn_protocols(protocols)
            with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
                with context.wrap_socket(raw, server_hostname="127.0.0.1") as connection:
                    connection.sendall(HTTP2_GREETING)
                    return connection.recv(9)[3]

        pem = self.work / "server.pem"
        with self.daemon("--addr", f"tcp://127.0.0.1:{port}", "--tlscert", pem, "--tlskey", pem.with_suffix(".key"),
                         "--tlscacert", self.work / "ca.pem"):
            self.assertEqual(settings("client", ["h2"]), 4)
            self.assertEqual(settings("client", None), 4, "BuildKit's clients do not all name the protocol")
            for stranger in (None, "stranger"):
                with self.assertRaises((OSError, IndexError)):
                    settings(stranger, ["h2"])
            self.assertEqual(self.load("--clients", 2, "--steps", 2)["errors"], [])


class Life(DaemonCase):
    def slow_build(self):
        """A build that is held up: its registry takes the connection and never answers."""
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        held.listen()
        self.addCleanup(held.close)
        client = subprocess.Popen([LOAD, "--addr", self.address, "--steps", "1", "--image",
                                   f"127.0.0.1:{held.getsockname()[1]}/never:1"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (client.poll() is None and client.kill(), client.wait(), client.stdout.close()))
        held.settimeout(30)
        connection, _ = held.accept()
        self.addCleanup(connection.close)
        return client

    def test_first_signal_waits_for_builds_second_cancels(self):
        with self.daemon() as process:
            client = self.slow_build()
            process.terminate()
            log = self.base / "loamd.log"
            wait_for(lambda: "a second signal cancels them" in log.read_text(), "the first signal's effect")
            self.assertIn("stopping", json.dumps(self.load("--steps", 1, check=1)["errors"]))
            self.assertIsNone(process.poll(), "it waits for the build")
            process.terminate()
            process.wait(30)
            self.assertNotEqual(json.loads(client.communicate(timeout=30)[0])["errors"], [])

    def test_a_client_that_dies_ends_its_build(self):
        with self.daemon() as process:
            client = self.slow_build()
            client.kill()
            # With no build left, one signal is enough.
            process.terminate()
            process.wait(30)

    def test_clients_that_take_nothing_do_not_hold_up_the_end(self):
        """One says nothing, one never reads, one is frozen in the middle of an export: the daemon ends their connections
        after a second. gRPC by itself waits 10 s, or for good."""
        (self.work / "big").write_bytes(os.urandom(32 << 20))
        self.write("Dockerfile", "FROM scratch\nCOPY big /\n")
        with self.daemon() as process, contextlib.ExitStack() as held:
            for greeting in (b"", HTTP2_GREETING):
                client = held.enter_context(socket.socket(socket.AF_UNIX))
                client.connect(str(self.socket))
                client.sendall(greeting)
            build = held.enter_context(subprocess.Popen(
                [LOAM, "build", "--engine", self.address, "-o", "type=tar,dest=-", "."], cwd=self.work,
                env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            held.callback(build.kill)
            self.assertTrue(build.stdout.read(1))
            build.send_signal(signal.SIGSTOP)
            log = self.base / "loamd.log"
            process.terminate()
            wait_for(lambda: "a second signal cancels them" in log.read_text(), "the first signal's effect")
            process.terminate()
            process.wait(9)

    def test_builds_that_take_too_long_are_cancelled(self):
        with self.daemon("--stop-timeout", "100ms") as process:
            client = self.slow_build()
            process.terminate()
            process.wait(9)
            self.assertNotEqual(json.loads(client.communicate(timeout=30)[0])["errors"], [])
        self.assertIn("longer than --stop-timeout", (self.base / "loamd.log").read_text())

    def test_killed_and_started_again(self):
        salt = "killed"
        with self.daemon(ends=-signal.SIGKILL) as process:
            first = self.load("--clients", 2, "--steps", 5, "--salt", salt)
            self.slow_build()
            process.kill()
            process.wait(30)
        with self.daemon():
            again = self.load("--clients", 2, "--steps", 5, "--salt", salt)
            self.assertEqual(first["errors"] + again["errors"], [])
            self.assertEqual(again["cached"], again["vertices"], "the cache is there again")

    def test_disk_full(self):
        self.root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.root], check=True)
        try:
            with self.daemon():
                ballast = self.root / "ballast"
                with self.assertRaises(OSError), open(ballast, "wb") as file:
                    while True:
                        file.write(b"\0" * 65536)
                        file.flush()
                errors = self.load("--steps", 3, "--salt", "full", check=1)["errors"]
                self.assertRegex(errors[0], "(?i)no space left|disk I/O|full")
                ballast.unlink()
                self.assertEqual(self.load("--steps", 3, "--salt", "full")["errors"], [])
        finally:
            subprocess.run(["umount", self.root], check=True)


class LyingRegistry:
    """A registry with one image, `x:1`, whose layer it serves in a way of its own."""

    def __init__(self, lie):
        def blob(data):
            return "sha256:" + hashlib.sha256(data).hexdigest(), data
        layer_digest, layer = blob(b"\0" * 10240)  # an empty tar
        config_digest, config = blob(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
            "type": "layers", "diff_ids": [layer_digest]}}).encode())
        manifest_digest, manifest = blob(json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest,
                       "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest,
                        "size": len(layer)}]}).encode())

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def answer(self, data, content_type, **headers):
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def do_GET(self):
                if "/manifests/" in self.path:
                    self.answer(manifest, "application/vnd.oci.image.manifest.v1+json",
                                Docker_Content_Digest=manifest_digest)
                elif config_digest in self.path:
                    self.answer(config, "application/octet-stream")
                elif layer_digest in self.path:
                    lie(self, layer)
                else:
                    self.answer(b"{}", "application/json")

            do_HEAD = do_GET

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


class RegistryFaults(DaemonCase):
    def check(self, lie, says):
        """One clear error, and other builds go on."""
        with self.daemon() as process, LyingRegistry(lie) as registry:
            errors = self.load("--steps", 1, "--image", registry.image, check=1)["errors"]
            self.assertRegex(errors[0], says)
            self.assertEqual(self.load("--steps", 2)["errors"], [])
            self.assertEqual(self.held(process)["children"], 0)

    def test_other_bytes_than_promised(self):
        self.check(lambda request, layer: request.answer(b"x" * len(layer), "application/octet-stream"), "digest")

    def test_fewer_bytes_than_announced(self):
        def lie(request, layer):
            request.send_response(200)
            request.send_header("Content-Length", str(len(layer)))
            request.end_headers()
            request.wfile.write(layer[:100])
            request.close_connection = True
        self.check(lie, "(?i)transfer|size|closed|bytes|partial")

    def test_endless_body(self):
        def lie(request, layer):
            request.send_response(200)
            request.send_header("Connection", "close")
            request.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    request.wfile.write(b"\0" * 65536)
        self.check(lie, "(?i)size|larger|more|bytes")

    def test_not_found(self):
        self.check(lambda request, layer: request.send_error(404), "(?i)not found|404")


    def test_a_registry_that_stalls_holds_up_its_own_build_only(self):
        """Nothing more comes in the middle of a layer; the client loses patience first (registry_client_test.cpp has the
        daemon's own)."""
        stalled, let_go = threading.Semaphore(0), threading.Semaphore(0)

        def lie(request, layer):
            request.send_response(200)
            request.send_header("Content-Length", str(len(layer)))
            request.end_headers()
            request.wfile.write(layer[:100])
            request.wfile.flush()
            stalled.release()
            # A reset where the daemon had not read all that came.
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(request.rfile.read(1), b"")
            let_go.release()
            request.close_connection = True
        with self.daemon() as process, LyingRegistry(lie) as registry:
            def meet_it():
                client = subprocess.Popen([LOAD, "--addr", self.address, "--steps", "1", "--image", registry.image],
                                          stdout=subprocess.DEVNULL)
                self.assertTrue(stalled.acquire(timeout=30))
                self.assertEqual(self.load("--clients", 4, "--steps", 2)["errors"], [])
                self.assertIsNone(client.poll(), "it still waits")
                client.kill()
                client.wait()
                self.assertTrue(let_go.acquire(timeout=10), "the daemon lets go of the registry")
            meet_it()
            # What is made once, with the first pull and the first step, is there now.
            before = self.settled(process)
            meet_it()
            meet_it()
            wait_for(lambda: self.held(process)["descriptors"] <= before["descriptors"], "the release of descriptors")
            after = self.held(process)
            self.assertEqual((after["mounts"], after["children"]), (before["mounts"], before["children"]))


class BusyMounts(DaemonCase):
    def test_a_mount_that_somebody_keeps_busy_is_no_error_and_does_not_stay(self):
        self.import_busybox("box:1")
        self.write("Dockerfile", "FROM box:1\nRUN while [ ! -e /go ]; do sleep 0.02; done; rm /go; echo made > /made\n"
                                 "RUN cat /made > /again\n")

        def step():
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes()
                    if b"! -e /go" in words and not words.startswith(b"/proc") and (entry / "root/bin/busybox").exists() \
                            and not (entry / "root" / str(self.base)[1:]).exists():
                        return entry
            return None
        with self.daemon() as process:
            before = self.held(process)
            build = subprocess.Popen([LOAM, "build", "--engine", self.address, "-o", "out", "."], cwd=self.work,
                                     env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            wait_for(lambda: step() is not None, "the step running")
            root = step() / "root"
            kept = [os.open(root / "bin", os.O_RDONLY), os.open(root / "bin/busybox", os.O_RDONLY)]
            try:
                (root / "go").write_text("")
                _, said = build.communicate(timeout=60)
                self.assertEqual(build.returncode, 0, said)
                self.assertEqual((self.work / "out/again").read_text(), "made\n")
                # Still busy, and no mount is left to the daemon.
                wait_for(lambda: self.held(process)["mounts"] == before["mounts"], "the end of the mounts")
                self.assertEqual(self.held(process)["children"], before["children"])
            finally:
                for fd in kept:
                    os.close(fd)
            self.assertEqual(self.load("--steps", 2)["errors"], [])


class HostileClients(DaemonCase):
    """What no client should send: one clear error each, and the daemon goes on, with what it had."""

    # As with BuildKit, the code of a build that fails says little.
    UNKNOWN, EXHAUSTED, UNIMPLEMENTED = 2, 8, 12

    def hostile(self, *args):
        need(os.access(HOSTILE, os.X_OK), f"needs {HOSTILE}")
        done = subprocess.run([HOSTILE, "--addr", self.address, *map(str, args)], capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, done)
        return json.loads(done.stdout)

    def refused(self, code, says, *args):
        answer = self.hostile(*args)
        self.assertEqual(answer["code"], code, answer)
        self.assertIn(says, answer["message"])

    def test_graphs_that_cannot_be(self):
        with self.daemon() as process:
            self.refused(self.UNKNOWN, "is no LLB op", "garbage")
            self.refused(self.UNKNOWN, "no known kind", "unknown-op")
            self.refused(self.UNKNOWN, "no known kind", "no-op")
            self.refused(self.UNKNOWN, "the input sha256:", "dangling")
            self.refused(self.UNKNOWN, "the input sha256:", "no-such-result")
            self.refused(self.UNKNOWN, "invalid digest", "not-a-digest")
            self.refused(self.UNKNOWN, "the input sha256:", "negative-output")
            self.refused(self.UNKNOWN, "the input sha256:", "no-such-output")
            self.refused(self.UNKNOWN, "the input of action 0", "actions-in-a-circle")
            self.refused(self.UNKNOWN, "a single input, the result", "no-result")
            self.refused(self.UNIMPLEMENTED, "gopher", "unknown-source")
            self.assertEqual(self.hostile("metadata-of-nobody")["code"], 0)
            self.assertEqual(self.load("--steps", 2)["errors"], [])
            self.assertEqual(self.held(process)["children"], 0)

    def test_graphs_without_measure(self):
        with self.daemon() as process:
            self.refused(self.UNIMPLEMENTED, "gopher", "deep-and-wrong", 3000)
            # Each merge doubles the layers, and the name.
            self.refused(self.UNKNOWN, "more than 2048 layers", "names-of-names", 100)
            self.refused(self.UNKNOWN, "more than 2048 layers", "dense", 60)
            # Each resolves an image, at the same time.
            self.assertIn("127.0.0.1:1/x", self.hostile("wide-and-wrong", 500)["message"])
            self.assertEqual(self.load("--steps", 2)["errors"], [])
            wait_for(lambda: len(os.listdir(f"/proc/{process.pid}/task")) < 120, "the end of threads without work")
            self.assertLess(memory(process), 300)

    def test_messages_over_the_limit(self):
        with self.daemon() as process:
            before = self.held(process)["descriptors"]
            # What BuildKit takes is taken; this build then lacks a session.
            self.assertNotEqual(self.hostile("big-solve", 15)["code"], self.EXHAUSTED)
            for call in ("big-solve", "big-session-message", "big-bridge-solve"):
                self.refused(self.EXHAUSTED, "larger than max", call, 17)
            self.refused(self.EXHAUSTED, "larger than max", "big-solve", 60)
            self.assertEqual(self.load("--steps", 2)["errors"], [])
            self.assertLess(memory(process), 300)
            wait_for(lambda: self.held(process)["descriptors"] <= before + 2, "the release of descriptors")

    def test_connections_that_say_nothing(self):
        """More than the daemon has descriptors for: those beyond its limit are closed at once, and where the others end,
        there is room again."""
        try:
            with self.daemon(descriptors=(256, 256)) as process:
                resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
                idle = []
                for i in range(300):
                    idle.append(socket.socket(socket.AF_UNIX))
                    idle[-1].connect(str(self.socket))
                    with contextlib.suppress(BrokenPipeError):  # closed already
                        idle[-1].sendall(HTTP2_GREETING[: len(HTTP2_GREETING) * (i % 2)])
                idle[-1].settimeout(30)
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(idle[-1].recv(1), b"", "closed at once")
                self.assertLess(self.held(process)["descriptors"], 200)
                for connection in idle:
                    connection.close()

                def builds():
                    done = subprocess.run([LOAD, "--addr", self.address, "--steps", "2"], capture_output=True)
                    return done.returncode == 0
                wait_for(builds, "room for a client")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, LIMIT_OF_DESCRIPTORS)

    def test_many_calls_of_one_client(self):
        with self.daemon() as process:
            self.assertEqual(self.hostile("many-calls", 1000)["code"], 0)
            self.assertEqual(self.load("--steps", 2)["errors"], [])
            wait_for(lambda: len(os.listdir(f"/proc/{process.pid}/task")) < 120, "the end of their threads")


class Load(DaemonCase):

    def test_many_clients_share_equal_steps_and_leave_nothing(self):
        clients, steps = 60, 8
        with self.daemon() as process:
            self.load("--clients", 8, "--steps", 2, "--salt", "warm")
            wait_for(lambda: self.held(process)["descriptors"] < 60, "the end of the first connections")
            before = self.held(process)
            result = self.load("--clients", clients, "--steps", steps, "--equal", 50, "--salt", "load")
            self.assertEqual(result["errors"], [])
            self.assertEqual(result["vertices"], clients * steps)
            # One layer for each distinct step, and those of the first run.
            layers = [name for name in os.listdir(self.root / "layers") if (self.root / "layers" / name / "fs").is_dir()]
            self.assertEqual(len(layers), steps + clients // 2 * steps + 2)
            wait_for(lambda: self.held(process)["descriptors"] <= before["descriptors"] + 2, "the release of descriptors")
            after = self.held(process)
            self.assertEqual((after["mounts"], after["children"]), (before["mounts"], before["children"]))
            again = self.load("--clients", clients, "--steps", steps, "--equal", 50, "--salt", "load")
            self.assertEqual(again["cached"], again["vertices"])
            self.assertLess(memory(process), 200)


if __name__ == "__main__":
    main()
