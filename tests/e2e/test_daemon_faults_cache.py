"""The cache of a daemon that fails or is cut off while it is written, exported or cleaned up: one clear error, builds beside
and after it go on, the state is whole and nothing is left."""
import contextlib
import hashlib
import itertools
import signal
import sqlite3
import subprocess
import threading

from support import main, wait_for
from test_daemon import LOAD
from test_daemon_faults import FaultCase, PushRegistry

# Of what cannot be compressed; one of the base's is below them.
TWO_LAYERS = """FROM box:1
RUN dd if=/dev/urandom of=/a bs=1k count={kilobytes}
RUN dd if=/dev/urandom of=/b bs=1k count={kilobytes}
"""
FULL = r"(?i)no space left"


class StateCase(FaultCase):
    def setUp(self):
        super().setUp()
        self.import_busybox("box:1")

    def rows(self, database, select):
        with contextlib.closing(sqlite3.connect(f"file:{self.root / database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(select).fetchall()

    def layer_directories(self):
        return {path.name for path in (self.root / "layers").iterdir()} - {".e0", ".e1", ".work", ".overlay"}

    def check_whole(self):
        """Every layer that is known is there and no other, every record's layers are known, every blob is what its name
        says, and no database is damaged."""
        rows = {f"{number:012x}": unpacked for number, unpacked in self.rows("layers.db", "SELECT id, unpacked FROM layers")}
        unpacked = {name for name, is_unpacked in rows.items() if is_unpacked}
        wait_for(lambda: self.layer_directories() == unpacked, f"the end of {self.layer_directories() ^ unpacked}", 20)
        for name in unpacked:
            self.assertTrue((self.root / "layers" / name / "fs").is_dir(), name)
        for (blob,) in self.rows("cache.db", "SELECT blob FROM records"):
            named = [f"{int(number):012x}" for number in blob.removeprefix("layers:").split(",")] if "layers:" in blob else []
            self.assertEqual([name for name in named if name not in rows], [], blob)
        for blob in (self.root / "content/blobs/sha256").iterdir():
            self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), blob.name)
        self.assertEqual(sorted((self.root / "content/ingest").iterdir()), [])
        for database in self.root.glob("*.db"):
            self.assertEqual(self.rows(database.name, "PRAGMA integrity_check"), [("ok",)])

    def built(self, *args):
        client = self.client(*args)
        _, said = client.communicate(timeout=120)
        self.assertEqual(client.returncode, 0, said.decode())
        return said.decode()


class CacheExports(StateCase):
    def setUp(self):
        super().setUp()
        self.write("Dockerfile", TWO_LAYERS.format(kilobytes=1))

    def fails(self, says, *args):
        """An export that fails. With ignore-error the build succeeds."""
        with self.daemon() as process:
            before = self.fails_and_leaves_nothing(process, says, *args)
            self.assertRegex(self.built(*[f"{arg},ignore-error=true" if arg.startswith("type=") else arg for arg in args]), says)
            self.same_rest(process, before)
        self.check_whole()

    def test_the_daemons_disk_is_full(self):
        # The layers fit, and not a second time in compressed form.
        self.write("Dockerfile", TWO_LAYERS.format(kilobytes=3 << 10))
        self.move_root_to_small_disk(16)
        with PushRegistry() as registry:
            self.fails(FULL, "--cache-to", f"type=registry,ref={registry.image},mode=max")

    def test_the_directory_of_the_cache_is_full(self):
        self.small_disk(self.work / "cache", 1)
        for more, code in (("", 1), (",ignore-error=true", 0)):
            done = self.build("--no-cache", "--cache-to", f"type=local,dest=cache,mode=max{more}", ".", check=code)
            self.assertRegex(done.err, FULL)
            self.assertNotIn("internal error", done.err)
            # Nothing that looks like a cache, or like a part of one.
            self.assertEqual([str(file) for file in (self.work / "cache").rglob("*") if file.is_file() and
                              (file.name == "index.json" or "blobs" not in file.parts)], [])
        self.check_whole()

    def refused(self, says, spoil):
        with PushRegistry(spoil) as registry:
            self.fails(says, "--cache-to", f"type=registry,ref={registry.image},mode=max")

    def test_the_registry_has_no_room_for_a_layer(self):
        self.refused("507", lambda request, method, path: method in ("PUT", "PATCH") and "/manifests/" not in path and
                     (request.body(), request.answer(507)))

    def test_the_registry_has_no_room_for_the_manifest(self):
        self.refused("507", lambda request, method, path: method == "PUT" and "/manifests/" in path and
                     (request.body(), request.answer(507)))

    def test_the_registry_breaks(self):
        self.refused("500", lambda request, method, path: method == "POST" and (request.body(), request.answer(500)))

    def stalled_export(self, end):
        """The daemon ends by end(process) while the second blob of a cache is on its way."""
        uploads, stalled = itertools.count(), threading.Event()

        def stall(request, method, path):
            if method not in ("PUT", "PATCH") or next(uploads) == 0:
                return False
            stalled.set()
            with contextlib.suppress(OSError):
                while request.connection.recv(1 << 16):
                    pass
            request.close_connection = True
            return True
        with PushRegistry(stall) as registry:
            args = "--cache-to", f"type=registry,ref={registry.image},mode=max"
            with self.daemon(ends=-signal.SIGKILL if end == "kill" else 0) as process:
                client = self.client(*args)
                self.assertTrue(stalled.wait(60))
                if end == "kill":
                    process.kill()
                else:
                    process.terminate()
                    wait_for(lambda: "a second signal" in (self.base / "loamd.log").read_text(), "the first signal")
                    process.terminate()
                process.wait(30)
                client.communicate(timeout=60)
                self.assertEqual(client.returncode, 1)
        with PushRegistry() as registry, self.daemon() as process:
            self.assertEqual(self.scraps(), [])
            self.check_whole()
            said = self.built("--cache-to", f"type=registry,ref={registry.image},mode=max")
            self.assertIn("CACHED", said)
            self.check_whole()

    def test_the_daemon_is_killed(self):
        self.stalled_export("kill")

    def test_the_daemon_is_stopped(self):
        self.stalled_export("stop")


class Collections(StateCase):
    """The cache is cleaned up, by a client's wish or by policy, and the daemon ends in the middle."""

    LAYERS = 2
    FILES = 1000
    # Of the base, made by the steps, counted, copied.
    ALL = 1 + LAYERS + 1 + 1

    def setUp(self):
        super().setUp()
        # Layers that are not removed in no time, and their files counted.
        self.write("Dockerfile", "FROM box:1 AS made\n" + "".join(
            f"RUN mkdir /d{i} && cd /d{i} && seq {self.FILES} | xargs touch\n" for i in range(self.LAYERS)) +
            "RUN for d in /d[0-9]; do ls $d | wc -l; done > /counted\nFROM scratch\nCOPY --from=made /counted /\n")

    def layer_rows(self):
        return self.rows("layers.db", "SELECT count(*) FROM layers")[0][0]

    def cut_off(self, end, begins, forgotten=False):
        """begins(): what makes the daemon collect. It ends by end(process) as the files of the first layer are gone, or as the
        layers are forgotten."""
        code = -signal.SIGKILL if end == subprocess.Popen.kill else 0
        with contextlib.ExitStack() as others:
            with self.daemon("--oci-worker-gc=false"):
                self.built()
                self.assertEqual((self.layer_rows(), len(self.layer_directories())), (self.ALL, self.ALL))
            with self.daemon(ends=code) as process:
                begins(others)
                wait_for(lambda: (self.layer_rows() if forgotten else len(self.layer_directories())) < self.ALL, "the beginning")
                end(process)
                process.wait(60)
            with self.daemon("--oci-worker-gc=false"):
                self.check_whole()
                self.assertEqual(self.scraps(), [])
                self.others_go_on()
                self.built("-o", "out")
                self.assertEqual((self.work / "out/counted").read_text(), f"{self.FILES}\n" * self.LAYERS)
                self.check_whole()

    def prune(self, others):
        client = subprocess.Popen([LOAD, "--addr", self.address, "--prune", "all"], stdout=subprocess.DEVNULL)
        others.callback(client.wait, 60)

    def test_killed_while_it_prunes(self):
        self.cut_off(subprocess.Popen.kill, self.prune)

    def test_stopped_while_it_prunes(self):
        self.cut_off(subprocess.Popen.terminate, self.prune)

    def by_policy(self, _):
        """The daemon collects when it has started."""

    def policy(self):
        self.config.write_text("[worker.oci]\ngc = true\n[[worker.oci.gcpolicy]]\nall = true\nmaxUsedSpace = 1\n")

    def test_killed_while_it_collects_by_policy(self):
        self.policy()
        self.cut_off(subprocess.Popen.kill, self.by_policy, forgotten=True)

    def test_stopped_while_it_collects_by_policy(self):
        self.policy()
        self.cut_off(subprocess.Popen.terminate, self.by_policy)

    def test_a_client_that_stops_pruning(self):
        with self.daemon() as process:
            self.built()
            before = self.rest(process)
            client = subprocess.Popen([LOAD, "--addr", self.address, "--prune", "all"], stdout=subprocess.DEVNULL)
            wait_for(lambda: self.layer_rows() < self.ALL, "the beginning")
            client.kill()
            client.wait(30)
            self.check_whole()
            self.others_go_on()
            self.same_rest(process, before)
            self.built()
            self.check_whole()


if __name__ == "__main__":
    main()
