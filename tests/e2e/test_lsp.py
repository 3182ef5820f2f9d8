"""loam lsp, driven by a real client: vscode-languageserver-protocol on node (tests/e2e/lsp), and by hand over --port."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from support import LOAM, LoamCase, main, need_program

SOURCE = pathlib.Path(__file__).parent / "lsp"


def node_modules():
    """The client's packages, installed once for each lock file."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    home = pathlib.Path(os.environ.get("LOAM_NPM_CACHE", pathlib.Path.home() / ".cache/loam-tests"))
    place = home / ("lsp-" + hashlib.sha256(lock).hexdigest()[:16])
    if not (place / "done").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, place)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=place, check=True, stdout=subprocess.DEVNULL)
        (place / "done").touch()
    return place / "node_modules"


class Lsp(LoamCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        need_program("node")
        need_program("npm")
        cls.modules = node_modules()

    def node(self, *names):
        # The tests import the packages from beside them.
        place = self.work / "lsp"
        shutil.copytree(SOURCE, place, ignore=shutil.ignore_patterns("node_modules"))
        (place / "node_modules").symlink_to(self.modules)
        env = {**os.environ, "LOAM": LOAM, "LOAM_ROOT": str(self.work / "no-state")}
        env.setdefault("LOAM_SOURCE_DIR", str(pathlib.Path(__file__).parents[2]))
        done = subprocess.run(["node", "--test", *names], cwd=place, env=env, text=True, capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])

    def test_golden_comments(self):
        self.node("golden.test.mjs")

    def test_every_method(self):
        self.node("methods.test.mjs")

    def test_stress(self):
        self.node("stress.test.mjs")


class Port(LoamCase):
    def talk(self, sock, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        sock.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def hear(self, stream):
        length = 0
        while (line := stream.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(stream.read(length))

    def test_clients_of_a_port(self):
        server = subprocess.Popen([LOAM, "lsp", "--port", "0"], stdout=subprocess.PIPE, text=True)
        try:
            port = int(server.stdout.readline().rsplit(":", 1)[1])
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port)) as sock:
                    stream = sock.makefile("rb")
                    self.talk(sock, {"id": 1, "method": "initialize", "params": {"capabilities": {}}})
                    self.assertEqual(self.hear(stream)["result"]["serverInfo"]["name"], "loam")
                    self.talk(sock, {"id": 2, "method": "shutdown"})
                    self.assertIsNone(self.hear(stream)["result"])
                    self.talk(sock, {"method": "exit"})
                    self.assertEqual(stream.read(), b"")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=10)
            server.stdout.close()

    def test_what_is_no_port(self):
        done = subprocess.run([LOAM, "lsp", "--port", "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no port", done.stderr)


if __name__ == "__main__":
    main()
