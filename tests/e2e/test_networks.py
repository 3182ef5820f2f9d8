"""Networks of steps by CNI plugins (Debian's containernetworking-plugins), in a network namespace of the test's own."""
import hashlib
import http.server
import json
import pathlib
import signal
import subprocess
import threading

from support import LOAM, main, need, wait_for
from test_daemon import LOAMD, DaemonCase

PLUGINS = pathlib.Path("/usr/lib/cni")


class Networks(DaemonCase):
    def setUp(self):
        super().setUp()
        need((PLUGINS / "bridge").exists(), "needs containernetworking-plugins")
        pathlib.Path("/var/lib/cni").mkdir(exist_ok=True)
        # What plugins write down lies there; here it is the test's alone.
        self.world = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /var/lib/cni && "
                                       "ip link set lo up && echo ready && exec sleep 100000"], stdout=subprocess.PIPE)
        self.addCleanup(self.world.wait)
        self.addCleanup(self.world.kill)
        self.addCleanup(self.world.stdout.close)
        self.assertEqual(self.world.stdout.readline(), b"ready\n")
        self.import_busybox("box:1")

    def inside(self, *words):
        return ["nsenter", "--target", str(self.world.pid), "--net", "--mount", *map(str, words)]

    def daemon_command(self, *args):
        return self.inside(*super().daemon_command(*args))

    def made(self):
        """What plugins made: links of the host's side, addresses given out, rules, mounts."""
        links = [each["ifname"] for each in json.loads(self.run_checked(*self.inside("ip", "-j", "link")))]
        given = self.run_checked(*self.inside("sh", "-c", "cd /var/lib/cni/networks 2>/dev/null && find . -name '*.*.*.*'"
                                              " || true")).split()
        rules = self.run_checked(*self.inside("iptables", "-t", "nat", "-S")).count("-N CNI-")
        kept = sorted(p.name for p in (self.root / "networks").iterdir()) if (self.root / "networks").exists() else []
        return {"links": [link for link in links if link != "lo"], "addresses": given, "rules": rules, "kept": kept}

    def run_build(self, *commands, check=0):
        self.write("Dockerfile", "FROM box:1\n" + "".join(f"RUN {command}\n" for command in commands))
        done = subprocess.run([LOAM, "build", "--no-cache", "--progress=plain", "--engine", self.address, "-o", "out", "."],
                              cwd=self.work, env=self.environment(), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, check, done.stderr)
        return done.stderr

    def serve(self, text):
        """Something that answers on the daemon's side; its port."""
        (self.base / "www").mkdir()
        (self.base / "www/hello").write_text(text)
        server = subprocess.Popen(self.inside("python3", "-u", "-c", "import http.server, functools\n"
                                              "s = http.server.ThreadingHTTPServer(('0.0.0.0', 0), functools.partial("
                                              f"http.server.SimpleHTTPRequestHandler, directory='{self.base}/www'))\n"
                                              "print(s.server_port)\ns.serve_forever()"), stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.addCleanup(server.stdout.close)
        return int(server.stdout.readline())

    def test_bridge(self):
        port = self.serve("from outside")
        nothing = {"links": [], "addresses": [], "rules": 0, "kept": []}
        with self.daemon("--oci-worker-net", "bridge", ends=-signal.SIGKILL) as process:
            shown = self.run_build("ip -4 -o addr show eth0 | grep -o 'inet 10[.]10[.][0-9]*[.][0-9]*' && ip route",
                                   f"wget -qO- http://10.10.0.1:{port}/hello; ip link show lo")
            self.assertRegex(shown, r"inet 10\.10\.0\.")
            self.assertIn("default via 10.10.0.1", shown)
            self.assertIn("from outside", shown)
            self.assertRegex(shown, "lo: <LOOPBACK,UP")
            self.assertIn("network.host is not allowed", self.run_build("--network=host true", check=1))
            # Both steps had the same network, one after the other.
            made = self.made()
            self.assertEqual(len(made["addresses"]), 1)
            self.assertEqual(len(made["kept"]), 2, "a namespace and what it was made by")
            self.run_build("--network=none ip -o link | grep -v ': lo' && exit 1 || true")
            # Nothing can be given back by a process that is killed.
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assertEqual(self.made(), made)
        with self.daemon("--oci-worker-net", "bridge"):
            now = self.made()
            self.assertEqual([len(now[part]) for part in ("addresses", "kept")], [1, 2])
            self.assertNotEqual(now["kept"], made["kept"])
            self.assertEqual(now["rules"], made["rules"])
            self.run_build("true")
        # The bridge was there when the second one started, and is not its own.
        self.assertEqual(self.made(), nothing | {"links": ["buildkit0"]})
        self.run_checked(*self.inside("ip", "link", "delete", "buildkit0"))
        with self.daemon("--oci-worker-net", "bridge"):
            self.run_build("true")
        self.assertEqual(self.made(), nothing)

    def test_a_network_of_ones_own_and_a_pool(self):
        conflist = self.write("net.conflist", json.dumps({
            "cniVersion": "0.4.0", "name": "mine", "plugins": [
                {"type": "bridge", "bridge": "mine0", "isGateway": True,
                 "ipam": {"type": "host-local", "subnet": "10.77.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        self.config.write_text(f'[worker.oci]\nnetworkMode = "cni"\ncniConfigPath = "{conflist}"\ncniPoolSize = 3\n'
                               f'cniBinaryPath = "{PLUGINS}"\n')
        with self.daemon():
            wait_for(lambda: len(self.made()["addresses"]) == 3, "three networks made in advance")
            self.assertIn("inet 10.77.0.", self.run_build("ip -4 -o addr show eth0"))
            # Steps at the same time have different ones.
            self.write("Dockerfile", "FROM box:1 AS base\n" + "".join(
                f"FROM base AS s{n}\nRUN ip -4 -o addr show eth0 | grep -o '10.77.0.[0-9]*' | head -1 >/a{n} && sleep 0.5\n"
                for n in range(4)) + "FROM scratch\n" + "".join(f"COPY --from=s{n} /a{n} /\n" for n in range(4)))
            self.run_checked(LOAM, "build", "--engine", self.address, "-o", "out", ".", cwd=self.work)
            self.assertEqual(len({(self.work / f"out/a{n}").read_text() for n in range(4)}), 4)
        self.assertEqual(self.made(), {"links": ["mine0"], "addresses": [], "rules": 0, "kept": []})

    def test_what_is_missing_is_said_at_the_start(self):
        config = self.write("net.conf", '{"name": "n", "type": "teleport"}')
        for args, says in ((("--oci-worker-net=cni", f"--oci-cni-config-path={config}"), "CNI plugin `teleport` is not in"),
                           (("--oci-worker-net=cni", "--oci-cni-config-path=/nonexistent.json"), "/nonexistent.json"),
                           (("--oci-worker-net=bridge", "--oci-cni-binary-dir=/nonexistent"), "no directory of CNI plugins")):
            done = subprocess.run(self.daemon_command("--addr", self.address, *args), capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 1)
            self.assertIn(says, done.stderr)


class Proxied(DaemonCase):
    def test_what_steps_ask_for_is_in_the_provenance(self):
        self.import_busybox("box:1")

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                moved = self.path == "/old"
                body = b"" if moved else b"what was asked for"
                self.send_response(302 if moved else 404 if self.path == "/missing" else 200)
                if moved:
                    self.send_header("Location", "/file")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}"  # busybox asks the proxy also for what is on loopback
        self.write("Dockerfile", f"FROM box:1 AS made\nRUN wget -qO /got {url}/old && {{ wget -qO /missing {url}/missing || true; }}\n"
                   "FROM scratch\nCOPY --from=made /got /\n")
        with self.daemon("--proxy-network"):
            done = subprocess.run([LOAM, "build", "--progress=plain", "--engine", self.address, "--provenance=mode=max", "-o", "out",
                                   "."], cwd=self.work, env=self.environment(), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.work / "out/got").read_text(), "what was asked for")
        predicate = json.loads((self.work / "out/provenance.json").read_text())["predicate"]
        digest = {"sha256": hashlib.sha256(b"what was asked for").hexdigest()}
        materials = predicate["buildDefinition"]["resolvedDependencies"]
        for path in ("old", "file"):
            self.assertIn({"uri": f"{url}/{path}", "digest": digest}, materials)
        network = predicate["runDetails"]["metadata"]["buildkit_metadata"]["network"]
        self.assertEqual(network["mode"], "proxy")
        [incomplete] = network["proxy"]["incomplete"]
        self.assertEqual((incomplete["uri"], incomplete["reason"]), (f"{url}/missing", "unsuccessful_response"))
        self.assertIn("wget", incomplete["name"])


if __name__ == "__main__":
    main()
