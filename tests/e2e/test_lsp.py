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
        done = subprocess.run(["node", "--test", *names], cwd=place, env=env, text=True, capture_output=True,
                              timeout=int(os.environ.get("LOAM_STRESS_SECONDS", "300")))
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        if "LOAM_STRESS_DIR" in os.environ:
            print(done.stdout)

    def test_golden_comments(self):
        self.node("golden.test.mjs")

    def test_every_method(self):
        self.node("methods.test.mjs")

    def test_every_method_on_earthfiles(self):
        self.node("earthfile.test.mjs")

    def test_stress(self):
        self.node("stress.test.mjs")


class Wire:
    """JSON-RPC by hand, over two streams."""

    def __init__(self, out, into):
        self.out, self.into, self.last, self.others = out, into, 0, []

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.out.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.out.flush()

    def hear(self):
        length = 0
        while (line := self.into.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.into.read(length))

    def call(self, method, params=None):
        self.last += 1
        self.send({"id": self.last, "method": method, "params": params or {}})
        while True:
            message = self.hear()
            if message.get("id") == self.last and "method" not in message:
                if "error" in message:
                    raise AssertionError(message["error"])
                return message["result"]
            self.others.append(message)

    def tell(self, method, params=None):
        self.send({"method": method, "params": params or {}})

    def wait_for(self, method):
        while True:
            for message in self.others:
                if message.get("method") == method:
                    self.others.remove(message)
                    return message["params"]
            self.others.append(self.hear())


class Facts(LoamCase):
    """What the server takes from the local store and the last build."""

    def setUp(self):
        super().setUp()
        self.write("file", "x")
        self.path = self.write("Dockerfile", "FROM scratch AS base\nCOPY file /a\nFROM base\nCOPY file /b\nENV SET=here\n")
        self.loam("build", "-t", "app:1", ".")
        self.server = subprocess.Popen([LOAM, "lsp", "--root", str(self.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.wire = Wire(self.server.stdin, self.server.stdout)
        self.wire.call("initialize", {"capabilities": {"textDocument": {"codeAction": {"codeActionLiteralSupport": {}}}}})
        self.wire.tell("initialized")

    def tearDown(self):
        self.wire.call("shutdown")
        self.wire.tell("exit")
        self.assertEqual(self.server.wait(timeout=10), 0)
        self.server.stdin.close()
        self.server.stdout.close()
        super().tearDown()

    def open(self, name, text):
        uri = f"file://{self.work}/{name}"
        document = {"uri": uri, "languageId": "dockerfile", "version": 1, "text": text}
        self.wire.tell("textDocument/didOpen", {"textDocument": document})
        return {"textDocument": {"uri": uri}}

    def hints(self, document, lines):
        area = {"start": {"line": 0, "character": 0}, "end": {"line": lines, "character": 0}}
        return [hint["label"] for hint in self.wire.call("textDocument/inlayHint", {**document, "range": area})]

    def test_images(self):
        text = "FROM app:1\nLABEL a=$SET b=$UNSET\nWORKDIR $SET\n"
        document = self.open("other.Dockerfile", text)
        found = self.wire.wait_for("textDocument/publishDiagnostics")["diagnostics"]
        # The base image is known, so what it does not set is known as well.
        undefined = [d["message"] for d in found if d["code"] == "UndefinedVar"]
        self.assertEqual(len(undefined), 1, found)
        self.assertIn("UNSET", undefined[0])
        at = {"line": 0, "character": 6}
        hover = self.wire.call("textDocument/hover", {**document, "position": at})["contents"]["value"]
        self.assertRegex(hover, r"digest: `sha256:[0-9a-f]{64}`")
        self.assertIn("SET=here", hover)
        uri = f"file://{self.work}/Earthfile"
        earthfile = {"uri": uri, "languageId": "earthfile", "version": 1, "text": "VERSION 0.8\nt:\n    FROM app:1\n"}
        self.wire.tell("textDocument/didOpen", {"textDocument": earthfile})
        there = self.wire.call("textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 2, "character": 10}})
        self.assertEqual(there["contents"]["value"], hover)
        value = self.wire.call("textDocument/hover", {**document, "position": {"line": 2, "character": 10}})
        self.assertIn("of the base image", value["contents"]["value"])
        hints = self.hints(document, 3)
        self.assertTrue(any(hint.startswith("@sha256:") for hint in hints), hints)
        self.assertIn("= here", hints)
        actions = self.wire.call("textDocument/codeAction", {**document, "range": {"start": at, "end": at}, "context": {"diagnostics": []}})
        pin = next(action for action in actions if action["title"].startswith("pin to"))
        self.assertRegex(pin["edit"]["changes"][document["textDocument"]["uri"]][0]["newText"], r"^@sha256:[0-9a-f]{64}$")
        self.wire.tell("textDocument/didChange", {"textDocument": {**document["textDocument"], "version": 2}, "contentChanges": [{"text": "FROM ap"}]})
        labels = [item["label"] for item in self.wire.call("textDocument/completion", {**document, "position": {"line": 0, "character": 7}})]
        self.assertIn("app:1", labels)

    def test_last_build(self):
        self.loam("build", "-t", "app:1", ".")
        document = self.open("Dockerfile", self.path.read_text())
        self.assertEqual(self.hints(document, 6).count("cached"), 2)
        lenses = self.wire.call("textDocument/codeLens", document)
        last = self.wire.call("codeLens/resolve", next(lens for lens in lenses if "data" in lens))
        self.assertRegex(last["command"]["title"], r"^last build .*, (\d) of \1 steps cached$")

    def test_build_command(self):
        document = self.open("Dockerfile", self.path.read_text())
        build = {"command": "loam.build", "arguments": [document["textDocument"]["uri"], "base"]}
        self.assertEqual(self.wire.call("workspace/executeCommand", build), {"started": True})
        shown = self.wire.wait_for("window/showMessage")
        self.assertEqual(shown["type"], 3, shown)
        self.path.write_text("FROM scratch\nCOPY none /\n")
        self.wire.call("workspace/executeCommand", {**build, "arguments": build["arguments"][:1]})
        shown = self.wire.wait_for("window/showMessage")
        self.assertEqual(shown["type"], 1)
        self.assertIn("none", shown["message"])


class Fetched(LoamCase):
    """References into a remote project that a build has fetched."""

    def test_a_project_of_the_cache(self):
        need_program("git")
        tree, mirror = self.work / "tree", self.work / "mirror"
        for name, text in {"Earthfile": "VERSION 0.8\n# shared is for everyone.\nshared:\n    FROM scratch\n    COPY ./sub+part/x /\n    SAVE ARTIFACT x\n",
                           "sub/Earthfile": "VERSION 0.8\npart:\n    FROM scratch\n    COPY file x\n    SAVE ARTIFACT x\n",
                           "sub/file": "x\n"}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        def git(*arguments, cwd=None):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *map(str, arguments)], cwd=cwd, check=True, capture_output=True)
        git("init", "-q", "-b", "main", tree)
        git("add", ".", cwd=tree)
        git("commit", "-q", "-m", "m", cwd=tree)
        git("tag", "v1", cwd=tree)
        git("clone", "-q", "--bare", tree, mirror / "org/repo.git")
        text = ("VERSION 0.8\nIMPORT git.example.invalid/org/repo:v1 AS lib\nall:\n    FROM scratch\n    COPY lib+shared/x /\n"
                "    COPY git.example.invalid/org/repo/other:v1+none/x /\n")
        path = self.write("Earthfile", text)
        server = subprocess.Popen([LOAM, "lsp", "--root", str(self.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lambda: (server.stdin.close(), server.stdout.close(), server.wait(timeout=10)))
        wire = Wire(server.stdin, server.stdout)
        wire.call("initialize", {"capabilities": {}})
        wire.tell("initialized")
        document = {"textDocument": {"uri": f"file://{path}"}}
        wire.tell("textDocument/didOpen", {"textDocument": {**document["textDocument"], "languageId": "earthfile", "version": 1, "text": text}})
        at = {"position": {"line": 4, "character": 15}}
        self.assertIsNone(wire.call("textDocument/hover", {**document, **at}), "nothing is fetched for an editor")
        self.write("config.yml", f"""git:
  git.example.invalid:
    pattern: 'git.example.invalid/([^/]+)/([^/]+)'
    substitute: 'file://{mirror}/$1/$2.git'
""")
        self.write("Earthfile", "VERSION 0.8\nall:\n    BUILD git.example.invalid/org/repo:v1+shared\n")
        built = subprocess.run([LOAM, "earthly", "--config", "config.yml", "+all"], cwd=self.work, capture_output=True, text=True,
                               env={**os.environ, "LOAM_ROOT": str(self.root)})
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertIn("shared is for everyone", wire.call("textDocument/hover", {**document, **at})["contents"]["value"])
        there = wire.call("textDocument/definition", {**document, **at})
        there = there[0] if isinstance(there, list) else there
        remote = pathlib.Path(there["uri"].removeprefix("file://"))
        self.assertEqual(remote.read_text(), (tree / "Earthfile").read_text())
        self.assertTrue(remote.is_relative_to(self.root), remote)
        symbols = wire.call("textDocument/documentSymbol", {"textDocument": {"uri": there["uri"]}})
        self.assertIn("shared", [symbol["name"] for symbol in symbols])
        # From there on, its own references.
        inner = wire.call("textDocument/definition", {"textDocument": {"uri": there["uri"]}, "position": {"line": 4, "character": 16}})
        inner = inner[0] if isinstance(inner, list) else inner
        self.assertTrue(inner["uri"].endswith("/sub/Earthfile"), inner)
        self.assertIsNone(wire.call("textDocument/prepareRename", {**document, **at}))
        none = {"position": {"line": 5, "character": 50}}
        self.assertIsNone(wire.call("textDocument/hover", {**document, **none}))
        wire.call("shutdown")
        wire.tell("exit")


class Crash(LoamCase):
    """A signal that ends other programs: the server goes on in the same process, from the texts."""

    def setUp(self):
        super().setUp()
        self.server = subprocess.Popen([LOAM, "lsp", "--root", str(self.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lambda: (self.server.stdin.close(), self.server.stdout.close(), self.server.kill(), self.server.wait(timeout=10)))
        self.wire = Wire(self.server.stdin, self.server.stdout)

    def crash(self, number=signal.SIGSEGV):
        os.kill(self.server.pid, number)
        said = self.wire.wait_for("window/logMessage")["message"]
        self.assertIn(f"signal {int(number)}", said)

    def resident(self):
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def test_goes_on_with_what_was_typed(self):
        folder = {"uri": f"file://{self.work}", "name": "w"}
        self.wire.call("initialize", {"capabilities": {"general": {"positionEncodings": ["utf-8"]}}, "workspaceFolders": [folder]})
        self.wire.tell("initialized")
        uri = f"file://{self.work}/Dockerfile"
        opened = {"uri": uri, "languageId": "dockerfile", "version": 1, "text": "FROM scratch\nENV A=1\n"}
        self.wire.tell("textDocument/didOpen", {"textDocument": opened})
        self.wire.wait_for("textDocument/publishDiagnostics")
        end = {"line": 2, "character": 0}
        # The editor says it once; what comes after the crash counts on it.
        self.wire.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2},
                                                  "contentChanges": [{"range": {"start": end, "end": end}, "text": "LABEL é=$A\n"}]})
        self.wire.wait_for("textDocument/publishDiagnostics")
        self.crash()
        hover = {"textDocument": {"uri": uri}, "position": {"line": 2, "character": 10}}
        self.assertIn("= `1`", self.wire.call("textDocument/hover", hover)["contents"]["value"])
        self.assertEqual(self.wire.wait_for("textDocument/publishDiagnostics")["uri"], uri)
        # In the midst of a message that arrives.
        whole = json.dumps({"jsonrpc": "2.0", "id": "half", "method": "textDocument/hover", "params": hover}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(whole) + whole[:40])
        self.server.stdin.flush()
        self.crash(signal.SIGABRT)
        self.server.stdin.write(whole[40:])
        self.server.stdin.flush()
        answer = self.wire.hear()
        while answer.get("id") != "half":
            answer = self.wire.hear()
        self.assertIn("= `1`", answer["result"]["contents"]["value"])
        # Nothing is left behind, however often it happens.
        self.crash()
        self.wire.call("textDocument/hover", hover)
        before = self.resident()
        for _ in range(20):
            self.crash()
            self.wire.call("textDocument/hover", hover)
        self.assertLess(self.resident(), before * 1.2)
        self.wire.call("shutdown")
        self.wire.tell("exit")
        self.assertEqual(self.server.wait(timeout=10), 0)


class Port(LoamCase):
    def test_clients_of_a_port(self):
        server = subprocess.Popen([LOAM, "lsp", "--port", "0"], stdout=subprocess.PIPE, text=True)
        try:
            port = int(server.stdout.readline().rsplit(":", 1)[1])
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port)) as sock, sock.makefile("rwb") as stream:
                    wire = Wire(stream, stream)
                    self.assertEqual(wire.call("initialize", {"capabilities": {}})["serverInfo"]["name"], "loam")
                    self.assertIsNone(wire.call("shutdown"))
                    wire.tell("exit")
                    self.assertEqual(stream.read(), b"")
        finally:
            server.send_signal(signal.SIGTERM)
            self.addCleanup(server.stdout.close)
            self.addCleanup(server.kill)
            self.assertEqual(server.wait(timeout=10), 130)

    def test_what_is_no_port(self):
        done = subprocess.run([LOAM, "lsp", "--port", "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no port", done.stderr)


if __name__ == "__main__":
    main()
