"""loam build --engine: the compiler here, the work on a BuildKit daemon; here that daemon is loamd."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tarfile

import support


# Copies between a socket and the standard streams, as `buildctl dial-stdio` does.
DIAL = """
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    os.write(1, data)
"""


class RemoteEngine(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("crun")
        self.daemon = pathlib.Path(support.LOAM).parent / "loamd"
        support.need(self.daemon.exists(), f"needs {self.daemon}")
        self.import_busybox("box:1")
        self.socket = self.start_daemon("loamd", self.root)

    def start_daemon(self, name, root):
        address = self.base / f"{name}.sock"
        log = open(self.base / f"{name}.log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([self.daemon, "--root", str(root), "--addr", f"unix://{address}"],
                                   stdout=log, stderr=log, env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        support.wait_for(address.exists, "loamd listening")
        return address

    def remote(self, *args, check=0, env=None):
        """`loam build` without a state root of its own."""
        done = subprocess.run([support.LOAM, "build", "--progress=plain", *map(str, args)], cwd=self.work,
                              capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
                              env=self.environment(LOAM_ROOT=str(self.base / "unused"),
                                                   BUILDKIT_HOST=f"unix://{self.socket}") | (env or {}))
        self.assertEqual(done.returncode, check, f"{done.stdout}\n{done.stderr}")
        return done

    def test_a_dockerfile_with_context_secret_and_files_back(self):
        self.write("Dockerfile", "FROM box:1 AS build\nCOPY . /src\nRUN --mount=type=secret,id=token "
                                 "cat /run/secrets/token /src/dir/file >/out; ls /src >/ls\n"
                                 "FROM scratch\nCOPY --from=build /out /ls /\n")
        self.write("dir/file", "file\n")
        self.write("ignored", "ignored\n")
        self.write(".dockerignore", "ignored\n.dockerignore\nDockerfile\nout*\n")
        self.write("out/kept", "kept\n")
        self.write("token", "secret\n")
        done = self.remote("--secret", "id=token,src=token", "-o", "out", ".")
        self.assertEqual((self.work / "out/out").read_text(), "secret\nfile\n")
        self.assertEqual((self.work / "out/ls").read_text(), "dir\ntoken\n")
        self.assertEqual((self.work / "out/kept").read_text(), "kept\n")
        self.assertRegex(done.stderr, r"#\d+ \[build 3/3\] RUN")
        self.assertFalse((self.base / "unused").exists())
        again = self.remote("--secret", "id=token,src=token", "-o", "type=tar,dest=out.tar", ".")
        self.assertIn("CACHED", again.stderr)
        with tarfile.open(self.work / "out.tar") as tar:
            self.assertEqual(sorted(name for name in tar.getnames() if name != "."), ["ls", "out"])

    def test_a_context_that_an_image_starts_from_becomes_its_layer(self):
        """The transferred directory itself is the layer, so it comes anew for the next build; copies and mounts of a
        context leave it where it is, and only what changed is sent."""
        self.write("Dockerfile", "FROM tree\nCOPY Dockerfile /x/\n")
        self.write("tree/big", "x" * 3_000_000)
        kept = self.root / "client-dirs"

        def build(text):
            self.write("tree/dir/file", text)
            done = self.remote("--build-context", "tree=tree", "-o", "out", ".")
            sent = re.findall(r"transferring tree: ([\d.]+) ?(kB|MB|B)", done.stderr)
            self.assertTrue(sent, done.stderr)
            return max(float(number) * {"B": 1, "kB": 1e3, "MB": 1e6}[unit] for number, unit in sent)

        def files():
            return [p for p in kept.rglob("*") if p.name == "big"]

        for text in ("one\n", "two\n"):
            self.assertGreater(build(text), 2e6)
            self.assertEqual((self.work / "out/dir/file").read_text(), text)
            self.assertEqual(files(), [])
        self.write("Dockerfile", "FROM box:1 AS run\nRUN --mount=from=tree,target=/tree,rw cat /tree/dir/file >/out\n"
                                 "FROM scratch\nCOPY --from=run /out /mount\nCOPY --from=tree / /\n")
        self.assertGreater(build("three\n"), 2e6)
        self.assertLess(build("four\n"), 1e5)
        self.assertEqual((self.work / "out/mount").read_text(), "four\n")
        self.assertEqual(len(files()), 1)

    def test_caches_in_directories_of_the_client_and_in_registries(self):
        """Engines that know nothing of each other find what the other has made."""
        self.write("Dockerfile", "FROM scratch AS files\nCOPY a /\nCOPY b /b/\nFROM scratch\nCOPY --from=files / /\n")
        (self.work / "a").write_bytes(os.urandom(3 << 20))
        self.write("b", "b\n")
        registry = self.start_registry()
        for number, (to, source) in enumerate((
                ("type=local,dest=cache,mode=max", "type=local,src=cache"),
                ("type=local,dest=cache,tag=second", "type=local,src=cache,tag=second"),
                (f"type=registry,ref={registry}/cache:1,mode=max", f"type=registry,ref={registry}/cache:1"))):
            with self.subTest(to):
                self.assertIn("exporting cache to", self.remote("--cache-to", to, ".").stderr)
                other = self.start_daemon(f"other{number}", self.base / f"other{number}")
                done = self.remote("--engine", f"unix://{other}", "--cache-from", source, "-o", "out", ".")
                self.assertIn("importing cache manifest from", done.stderr)
                self.assertIn("CACHED", done.stderr)
                self.assertNotRegex(done.stderr, r"COPY .*\n#\d+ DONE")
                self.assertEqual((self.work / "out/a").read_bytes(), (self.work / "a").read_bytes())
                self.assertEqual((self.work / "out/b/b").read_text(), "b\n")
        index = json.loads((self.work / "cache/index.json").read_text())
        self.assertEqual(sorted(entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]),
                         ["latest", "second"])
        for blob in (self.work / "cache/blobs/sha256").iterdir():
            self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), blob.name)
        # What cannot be kept is an error, unless it is said to be none.
        self.write("file", "no directory\n")
        self.assertIn("file", self.remote("--cache-to", "type=local,dest=file", ".", check=1).stderr)
        self.remote("--cache-to", "type=local,dest=file,ignore-error=true", ".")

    def test_layouts_of_the_client_as_contexts(self):
        self.write("Dockerfile", "FROM box:1\nRUN echo made >/made\n")
        self.remote("-o", "type=oci,dest=image.tar", ".")
        (self.work / "layout").mkdir()
        with tarfile.open(self.work / "image.tar") as tar:
            tar.extractall(self.work / "layout")
        [manifest] = json.loads((self.work / "layout/index.json").read_text())["manifests"]
        other = self.start_daemon("other", self.base / "other")
        self.write("Dockerfile", "FROM base\nRUN cat /made >/read\n")
        self.remote("--engine", f"unix://{other}", "--build-context", f"base=oci-layout://layout@{manifest['digest']}", "-o", "out",
                    ".")
        self.assertEqual((self.work / "out/read").read_text(), "made\n")

    def test_a_failed_step_and_a_mistake_are_told_as_at_home(self):
        self.write("Dockerfile", "FROM box:1\nRUN echo before; exit 7\n")
        failed = self.remote(".", check=1)
        self.assertIn("before", failed.stderr)
        self.assertIn("exit code: 7", failed.stderr)
        self.assertIn(">>> RUN echo before; exit 7", failed.stderr)
        self.write("Dockerfile", "FROM box:1\nRUNN true\n")
        mistake = self.remote(".", check=1)
        self.assertIn("RUNN", mistake.stderr)
        self.assertIn("Dockerfile:2", mistake.stderr)

    def test_a_program_leads_to_the_engine(self):
        """ssh://, docker-container:// and kube-pod:// start a program that copies between the engine and its standard streams."""
        (self.base / "dial").write_text(DIAL)
        self.write("Dockerfile", "FROM box:1\nRUN echo over a program >/f\n")
        path = f"{self.work}/bin:{os.environ['PATH']}"
        for engine, program, words in (
                ("ssh://me@far:2222", "ssh", "-T -o ConnectTimeout=30 -l me -p 2222 -- far buildctl dial-stdio"),
                ("docker-container://builder", "docker", "exec -i builder buildctl dial-stdio"),
                ("docker-container://builder?context=far", "docker", "--context far exec -i builder buildctl dial-stdio"),
                ("kube-pod://pod-1", "kubectl", "exec -i pod-1 -- buildctl dial-stdio"),
                ("kube-pod://pod-1?context=c&namespace=n&container=k", "kubectl",
                 "--context=c --namespace=n exec --container=k -i pod-1 -- buildctl dial-stdio")):
            with self.subTest(engine):
                self.write(f"bin/{program}", f"#!/bin/sh\necho \"$@\" >{self.base}/args\n"
                           f"exec python3 {self.base}/dial {self.socket}\n", 0o755)
                self.remote(f"--engine={engine}", "-o", "type=tar,dest=out.tar", ".", env={"PATH": path})
                self.assertEqual((self.base / "args").read_text().rstrip("\n"), words)
                with tarfile.open(self.work / "out.tar") as tar:
                    self.assertIn("f", tar.getnames())

    def test_engines_are_chosen_by_platform(self):
        self.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        none = self.remote(f"--engine=unix://{self.socket}", f"--engine=unix://{self.socket}", "--platform=linux/mips",
                           "-o", "out", ".", check=1)
        self.assertIn("none of the engines builds linux/mips", none.stderr)
        self.remote(f"--engine=unix://{self.socket}", f"--engine=unix://{self.socket}", "--platform=linux/amd64",
                    "-o", "out", ".")
        self.assertTrue((self.work / "out/Dockerfile").exists())

    def start_other_engine(self, *flags):
        listening = self.base / "other.sock"
        log = open(self.base / "other.log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([self.daemon, "--root", str(self.base / "other"), "--addr", f"unix://{listening}", *flags],
                                   stdout=log, stderr=log, env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        support.wait_for(listening.exists, "the other loamd listening")
        return f"--engine=unix://{listening}"

    def test_one_build_on_engines_of_two_platforms(self):
        engines = [f"--engine=unix://{self.socket}", self.start_other_engine("--oci-worker-platform", "linux/arm64")]
        registry = self.start_registry()
        self.write("Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH}.txt /which\n")
        self.write("amd64.txt", "for amd64\n")
        self.write("arm64.txt", "for arm64\n")
        done = self.remote(*engines, "--platform=linux/amd64,linux/arm64", "-t", f"{registry}/app:1,{registry}/app:2",
                           "--push", "--metadata-file", "meta.json", ".")
        self.assertIn("[linux/amd64 ", done.stderr)
        self.assertIn("[linux/arm64 ", done.stderr)
        made = json.loads((self.work / "meta.json").read_text())["containerimage.digest"]
        for tag in "12":
            raw = self.run_checked("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{registry}/app:{tag}")
            self.assertEqual(made, "sha256:" + hashlib.sha256(raw.encode()).hexdigest())
            platforms = [m["platform"]["architecture"] for m in json.loads(raw)["manifests"]]
            self.assertEqual(platforms, ["amd64", "arm64"])
        # Each engine has only built its own.
        for name, arch in (("loamd.log", "amd64"), ("other.log", "arm64")):
            with self.subTest(engine=name):
                self.run_checked("skopeo", "copy", "--src-tls-verify=false", "--override-arch", arch,
                                 f"docker://{registry}/app:1", f"dir:{self.base}/{arch}")
                [layer] = json.loads((self.base / arch / "manifest.json").read_text())["layers"]
                with tarfile.open(self.base / arch / layer["digest"].split(":")[1]) as tar:
                    self.assertEqual(tar.extractfile("which").read().decode(), f"for {arch}\n")
        self.remote(*engines, "--platform=linux/amd64,linux/arm64", "-o", "out", ".")
        for arch in ("amd64", "arm64"):
            self.assertEqual((self.work / f"out/linux_{arch}/which").read_text(), f"for {arch}\n")
        refused = self.remote(*engines, "--platform=linux/amd64,linux/arm64", "-o", "type=oci,dest=x.tar", ".", check=1)
        self.assertIn("cannot be put together", refused.stderr)
        (self.work / "arm64.txt").unlink()
        failed = self.remote(*engines, "--platform=linux/amd64,linux/arm64", "-o", "out", ".", check=1)
        self.assertIn("arm64.txt", failed.stderr)

    def test_mutual_tls(self):
        support.need_program("openssl")

        def openssl(*args):
            self.run_checked("openssl", *args, cwd=self.base)

        new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        openssl(*new, "-x509", "-days", 2, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
        (self.base / "names").write_text("subjectAltName=DNS:engine.test,IP:127.0.0.1\n")
        for name in ("server", "client"):
            openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            openssl("x509", "-req", "-days", 2, "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-extfile", "names", "-out", f"{name}.pem")
        port = support.free_port()
        process = subprocess.Popen([self.daemon, "--root", str(self.base / "tls-root"), "--addr", f"tcp://127.0.0.1:{port}",
                                    "--tlscert", "server.pem", "--tlskey", "server.key", "--tlscacert", "ca.pem"],
                                   cwd=self.base, env=self.environment(), stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def listens():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
        support.wait_for(listens, "loamd listening")
        self.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        engine = f"--engine=tcp://127.0.0.1:{port}"
        authority, own = f"--tlscacert={self.base}/ca.pem", (f"--tlscert={self.base}/client.pem", f"--tlskey={self.base}/client.key")
        self.remote(engine, authority, *own, "-o", "out", ".")
        self.assertTrue((self.work / "out/Dockerfile").exists())
        self.remote(engine, authority, *own, "--tlsservername=engine.test", "-o", "out", ".")
        self.assertIn("no engine answers", self.remote(engine, authority, *own, "--tlsservername=other", ".", check=1).stderr)

    def test_wrong_addresses(self):
        self.write("Dockerfile", "FROM scratch\n")
        self.assertIn("`ftp` is not supported", self.remote("--engine=ftp://x", ".", check=2).stderr)
        self.assertIn("no scheme", self.remote("--engine=x", ".", check=2).stderr)
        self.assertIn("no engine answers", self.remote(f"--engine=unix://{self.base}/none", ".", check=1).stderr)


if __name__ == "__main__":
    support.main()
