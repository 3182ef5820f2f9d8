"""Loading images into Docker daemons of other kinds than Debian's: with containerd's image store (a daemon of our own that
answers as such a one does), behind TLS, and through docker's contexts."""
import contextlib
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import socketserver
import subprocess
import tarfile
import threading
import urllib.parse
import urllib.request

from support import LoamCase, free_port, main, need_program


class ContainerdDocker:
    """A Docker daemon whose image store is containerd's: images are their manifests or indexes, kept with the blobs."""

    def __init__(self, path):
        self.blobs, self.names, self.calls = {}, {}, []
        daemon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def address_string(self):
                return "unix"

            def body(self):
                data = io.BytesIO()
                while self.headers.get("Transfer-Encoding") == "chunked":
                    size = int(self.rfile.readline(), 16)
                    data.write(self.rfile.read(size))
                    self.rfile.readline()
                    if size == 0:
                        break
                return data.getvalue()

            def answer(self):
                url = urllib.parse.urlsplit(self.path)
                body = self.body()
                status, reply = daemon.answer(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), body)
                data = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = True

            do_GET = do_POST = do_DELETE = answer

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(str(path), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def children(self, digest):
        parsed = json.loads(self.blobs[digest])
        if "schemaVersion" not in parsed:
            return []  # a config
        return [d["digest"] for d in [parsed.get("config")] + parsed.get("layers", []) + parsed.get("manifests", []) if d]

    def find(self, name):
        digest = self.names.get(name, name)
        # Not by the digest of a config.
        known = digest in self.blobs and b'"schemaVersion"' in self.blobs[digest]
        return digest if known else None

    def answer(self, method, path, query, body):
        self.calls.append((method, path))
        if path == "/info":
            return 200, {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
        if path == "/images/load":
            return self.load(body)
        if path == "/images/create":
            return self.pull(query["fromImage"], query["tag"])
        match = re.fullmatch("/images/(.+)/(json|tag)|/images/(.+)", path)
        digest = self.find(match[1] or match[3])
        if digest is None:
            return 404, {"message": f"No such image: {match[1] or match[3]}"}
        if method == "DELETE":
            del self.names[match[3]]
            return 200, []
        if match[2] == "tag":
            self.names[f'{query["repo"]}:{query["tag"]}'] = digest
            return 201, {}
        return 200, {"Id": digest}

    def load(self, body):
        members = {}
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            for member in tar:
                if member.isfile():
                    members[member.name] = tar.extractfile(member).read()
        for name, data in members.items():
            if name.startswith("blobs/"):
                self.add(data)
        if "index.json" not in members:
            return 400, {"message": "an archive of docker's would become another image"}
        for descriptor in json.loads(members["index.json"])["manifests"]:
            todo = [descriptor["digest"]]
            while todo:
                digest = todo.pop()
                if digest not in self.blobs:
                    return 400, {"message": f"content {digest}: not found"}
                with contextlib.suppress(ValueError, AttributeError):
                    todo += self.children(digest)
            self.names[descriptor["annotations"]["io.containerd.image.name"]] = descriptor["digest"]
        return 200, {"stream": "Loaded image"}

    def pull(self, repository, tag):
        host, _, name = repository.partition("/")

        def get(kind, what):
            request = urllib.request.Request(f"http://{host}/v2/{name}/{kind}/{what}", headers={
                "Accept": "application/vnd.oci.image.manifest.v1+json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read()
        digest = self.add(get("manifests", tag))
        for child in self.children(digest):
            if child not in self.blobs:
                self.add(get("blobs", child))
        self.names[f"{repository}:{tag}"] = digest
        return 200, {"status": "Pull complete"}


class DockerLoad(LoamCase):
    def meta(self, *args, env):
        self.build("--metadata-file", "../meta.json", *args, ".", env=env)
        meta = json.loads((self.base / "meta.json").read_text())
        return meta["docker.load.via"], int(meta["docker.load.layers-sent"]), meta["containerimage.digest"]

    def image(self):
        self.write("base", "B" * 100000)
        self.write("top", "T")
        self.write("Dockerfile", "FROM scratch\nCOPY base /\nCOPY top /\nENTRYPOINT [\"/top\"]\n")

    def test_containerds_image_store(self):
        docker = ContainerdDocker(self.base / "docker.sock")
        self.addCleanup(docker.close)
        env = {"DOCKER_HOST": f"unix://{self.base}/docker.sock"}
        self.image()
        way, sent, digest = self.meta("-t", "a:1", "--load", env=env)
        self.assertEqual((way, sent), ("registry", 2))
        self.assertEqual(docker.names, {"docker.io/library/a:1": digest}, "the image is its manifest")
        # It is there: named, not sent; another layer on top comes alone.
        self.assertEqual(self.meta("-t", "a:2", "--load", env=env), ("none", 0, digest))
        self.write("top", "T2")
        way, sent, second = self.meta("-t", "a:3", "--load", env=env)
        self.assertEqual((way, sent), ("registry", 1))
        self.assertEqual(docker.names["docker.io/library/a:3"], second)
        # By an archive it is the same image.
        docker.blobs.clear()
        docker.names.clear()
        self.assertEqual(self.meta("-t", "a:4", "--load", "--load-via=archive", env=env), ("archive", 2, second))
        self.assertEqual(docker.names, {"docker.io/library/a:4": second})
        self.assertEqual(self.meta("-t", "a:5", "--load", "--load-via=archive", env=env), ("none", 0, second))
        # Several platforms are one image, their index.
        way, _, index = self.meta("-t", "a:6", "--load", "--platform=linux/amd64,linux/arm64", env=env)
        self.assertEqual(way, "archive")
        self.assertEqual(docker.names["docker.io/library/a:6"], index)
        self.assertEqual(len(json.loads(docker.blobs[index])["manifests"]), 2)
        self.assertEqual(self.meta("-t", "a:7", "--load", "--platform=linux/amd64,linux/arm64", env=env), ("none", 0, index))

    def certificates(self):
        def openssl(*args):
            subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=self.work.parent)
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl(*new, "-keyout", "ca-key.pem", "-subj", "/CN=ca", "-x509", "-days", 2, "-out", "ca.pem")
        (self.base / "extensions").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        for name in ("server", "client"):
            openssl(*new, "-keyout", f"{name}-key.pem", "-subj", f"/CN={name}", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", 2,
                    "-extfile", "extensions", "-out", f"{name}.pem")

    def test_contexts_tls_and_ssh(self):
        for program in ("openssl", "dockerd"):
            need_program(program)
        self.certificates()
        port = free_port()
        local = self.start_dockerd(more=("-H", f"tcp://127.0.0.1:{port}", "--tlsverify", "--tlscacert", self.base / "ca.pem",
                                         "--tlscert", self.base / "server.pem", "--tlskey", self.base / "server-key.pem"))
        self.image()

        def images():
            return self.run_checked("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", env=local).split()
        config = self.base / ".docker"
        secure = f"ca={self.base}/ca.pem,cert={self.base}/client.pem,key={self.base}/client-key.pem"
        docker_env = self.environment(DOCKER_CONFIG=str(config))
        for name, endpoint in (("plain", f"host={local['DOCKER_HOST']}"), ("secure", f"host=tcp://127.0.0.1:{port},{secure}")):
            self.run_checked("docker", "context", "create", name, "--docker", endpoint, env=docker_env)
        self.build("-t", "by:name", "--load", ".", env={"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "plain"})
        self.build("-t", "by:tls-context", "--load", ".", env={"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "secure"})
        self.run_checked("docker", "context", "use", "secure", env=docker_env)
        self.build("-t", "by:current", "--load", ".", env={"DOCKER_CONFIG": str(config)})
        for name in ("cert", "key"):
            (config / f"{name}.pem").write_bytes((self.base / f"client{'-key' if name == 'key' else ''}.pem").read_bytes())
        (config / "ca.pem").write_bytes((self.base / "ca.pem").read_bytes())
        self.build("-t", "by:tls", "--load", ".", env={"DOCKER_CONFIG": str(config), "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
                                                       "DOCKER_TLS_VERIFY": "1"})
        # An ssh that goes nowhere but runs what it is told to.
        ssh = self.write("bin/ssh", '#!/bin/sh\necho "$@" >> "$0.calls"\nwhile [ "$1" != -- ]; do shift; done; shift 2\n'
                         f'exec env DOCKER_HOST={local["DOCKER_HOST"]} "$@"\n', mode=0o755)
        self.build("-t", "by:ssh", "--load", ".", env={"DOCKER_HOST": "ssh://me@far.example:2222",
                                                       "PATH": f"{ssh.parent}:{os.environ['PATH']}"})
        self.assertIn("-l me -p 2222 -- far.example docker system dial-stdio", pathlib.Path(f"{ssh}.calls").read_text())
        self.assertEqual(sorted(images()), ["by:current", "by:name", "by:ssh", "by:tls", "by:tls-context"])
        done = self.build("-t", "x", "--load", ".", check=2, env={"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "nowhere"})
        self.assertIn("there is no docker context `nowhere`", done.err)


if __name__ == "__main__":
    main()
