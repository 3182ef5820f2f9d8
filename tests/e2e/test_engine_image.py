"""The engine image, made by Loam and run by Debian's dockerd: what buildx's docker-container driver, BuildKit's clients and
`loam --engine` do with it. LOAM_BUILDX names a docker-buildx (no package of Debian 12 has it) for the case that runs it."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import support
from remote_servers import Repository, WebServer
from test_daemon import LOAMD

# What apt would install with the package.
PACKAGES = ("busybox-static", "ca-certificates", "crun", "git", "openssh-client", "libarchive13", "libcurl4", "libfmt9",
            "libgrpc++1.51", "libisal2", "libprotobuf-lite32", "libre2-9", "libseccomp2", "libsqlite3-0", "libssl3", "libstdc++6",
            "libzstd1", "zlib1g")
RUNTIME = support.SOURCE_DIR / "tests/support/runc_with_what_is_here"
BUILDX = os.environ.get("LOAM_BUILDX")
NAME = "buildx_buildkit_loam0"


class EngineImage(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("dpkg-deb")
        # `--init` of the driver: Debian's package tini.
        support.need_program("docker-init")
        self.docker = self.start_dockerd(more=("--add-runtime", f"here={RUNTIME}", "--default-runtime", "here"))
        self.package()
        self.debian_image("debian:packages", *PACKAGES)
        self.build("-t", "engine:1", "--load", "--build-context", "debian=docker-image://debian:packages", "--build-context",
                   "package=package", "--metadata-file", "meta.json", support.SOURCE_DIR / "runtime-executor/daemon/image",
                   env=self.docker)
        self.registry = self.start_registry()
        self.import_busybox("box:1")
        self.write("box/Dockerfile", "FROM box:1\n")
        self.build("-t", f"{self.registry}/library/box:1", "--push", "box")
        self.write("buildkitd.toml", f'[registry."docker.io"]\nmirrors = ["{self.registry}"]\n[registry."{self.registry}"]\n'
                   'http = true\n[worker.oci.labels]\nfrom = "the-file"\n')
        self.write("app/Dockerfile", "FROM box:1 AS made\nARG WHO=you\nRUN --mount=type=cache,target=/cache "
                   "echo x >>/cache/x && echo hello $WHO >/hello\nFROM made\nCOPY file /\nRUN --network=none cat /file\n")
        self.write("app/file", "content\n")

    def package(self):
        """A Debian package of the daemon, as cpack makes one of everything."""
        program = self.work / "tree/usr/bin/loamd"
        program.parent.mkdir(parents=True)
        self.run_checked("strip", "-o", program, LOAMD)
        self.write("tree/DEBIAN/control", "Package: loam\nVersion: 0\nArchitecture: amd64\nMaintainer: nobody <nobody@localhost>\n"
                   "Description: the daemon\n")
        (self.work / "package").mkdir()
        self.run_checked("dpkg-deb", "-Zgzip", "-z1", "--build", self.work / "tree", self.work / "package/loam_0_amd64.deb")

    def run_docker(self, *args):
        return self.run_checked("docker", *args, env=self.docker)

    def create(self, *command):
        """The container that buildx's driver makes: the same options, volume and configuration."""
        self.addCleanup(lambda: subprocess.run(["docker", "rm", "-fv", NAME], env=os.environ | self.docker, capture_output=True))
        self.run_docker("create", "--name", NAME, "--privileged", "--init", "--cgroup-parent", "/docker/buildx", "--network", "host",
                        "--mount", f"type=volume,source={NAME}_state,target=/var/lib/buildkit", "engine:1", "--config",
                        "/etc/buildkit/buildkitd.toml", *command)
        (self.work / "files/buildkit").mkdir(parents=True)
        shutil.copy(self.work / "buildkitd.toml", self.work / "files/buildkit")
        self.run_docker("cp", f"{self.work}/files/.", f"{NAME}:/etc")
        self.run_docker("start", NAME)
        self.wait_for_workers()

    def wait_for_workers(self):
        support.wait_for(lambda: subprocess.run(["docker", "exec", NAME, "buildctl", "debug", "workers"], capture_output=True,
                                                env=os.environ | self.docker).returncode == 0, "the engine's answer")

    def remote(self, *args, check=0, cwd=None, **env):
        done = subprocess.run([support.LOAM, "build", "--progress=plain", *map(str, args)], cwd=cwd or self.work, timeout=300,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=self.environment(LOAM_ROOT=str(self.base / "unused"), **self.docker, **env))
        self.assertEqual(done.returncode, check, done.stderr)
        return done.stderr

    def test_as_buildx_uses_it(self):
        self.create("--allow-insecure-entitlement", "network.host", "--allow-insecure-entitlement", "security.insecure")
        with self.subTest("names and versions"):
            self.assertRegex(self.run_docker("exec", NAME, "buildkitd", "--version"), r"^\S+ \S+ v\S+ \S+\n$")
        engine = f"docker-container://{NAME}"
        with self.subTest("a build from the mirror, into files and into Docker"):
            self.remote("--engine", engine, "-o", "out", "app")
            self.assertEqual((self.work / "out/hello").read_text(), "hello you\n")
            self.remote("--engine", engine, "--build-arg", "WHO=docker", "-t", "app:1", "--load", "app")
            self.assertEqual(self.run_docker("run", "--rm", "--network=none", "app:1", "cat", "/hello", "/file"), "hello docker\ncontent\n")
        with self.subTest("a push"):
            self.remote("-t", f"{self.registry}/app:1", "--push", "app", BUILDKIT_HOST=engine)
            self.assertIn("config", self.run_checked("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{self.registry}/app:1"))
        with self.subTest("entitlements, mounts and cgroups of the container"):
            self.write("more/Dockerfile", "FROM box:1\nRUN --security=insecure mkdir /m && mount -t tmpfs none /m && cat /proc/self/cgroup\n"
                       "RUN --network=host cat /proc/net/dev\n")
            said = self.remote("--engine", engine, "--allow", "security.insecure", "--allow", "network.host", "more")
            inside = self.run_docker("inspect", "-f", "{{.Id}}", NAME).strip()
            self.assertRegex(said, rf"/docker/buildx/{inside}")
        with self.subTest("git, with submodules"):
            self.git_build(engine)
        with self.subTest("other ways to its standard streams"):
            for scheme, program, words in (("kube-pod://loam-0", "kubectl", 1), ("ssh://far", "ssh", 2)):
                self.write(f"bin/{program}", f'#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift {words}\n'
                           f'exec docker exec -i {NAME} "$@"\n', 0o755)
                self.assertIn("CACHED", self.remote("--engine", scheme, "app", PATH=f"{self.work}/bin:{os.environ['PATH']}"))
        with self.subTest("stopped and started it knows what it has"):
            self.run_docker("stop", NAME)
            self.assertEqual(self.run_docker("inspect", "-f", "{{.State.ExitCode}}", NAME).strip(), "0")
            self.run_docker("start", NAME)
            self.wait_for_workers()
            self.assertRegex(self.remote("--engine", engine, "app"), r"RUN --mount=type=cache[^\n]*\n#\d+ CACHED")
        with self.subTest("removed, it leaves nothing"):
            self.run_docker("rm", "-fv", NAME)
            self.run_docker("volume", "rm", f"{NAME}_state")
            self.assertEqual(self.run_docker("volume", "ls", "-q"), "")

    def git_build(self, engine):
        root = self.base / "git"
        root.mkdir()
        web = WebServer(root)
        self.addCleanup(web.stop)
        Repository(root / "inner").commit(deep="innermost")
        outer = Repository(root / "outer")
        outer.commit(Dockerfile="FROM scratch\nCOPY . /\n")
        outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner/.git", "lib")
        outer.git("config", "-f", ".gitmodules", "submodule.lib.url", "../../inner/.git")
        outer.commit()
        self.remote("--engine", engine, "-o", "from-git", f"{web.url}/outer/.git")
        self.assertEqual((self.work / "from-git/lib/deep").read_text(), "innermost")

    @unittest.skipUnless(BUILDX, "LOAM_BUILDX names no docker-buildx")
    def test_by_buildx(self):
        home = self.base / "home"
        plugins = home / ".docker/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-buildx").symlink_to(pathlib.Path(BUILDX).resolve())
        env = self.docker | {"HOME": str(home)}

        def buildx(*args):
            return self.run_checked("docker", "buildx", *args, env=env, cwd=self.work)
        buildx("create", "--name", "loam", "--driver", "docker-container", "--driver-opt", "image=engine:1,network=host,memory=1g",
               "--buildkitd-config", "buildkitd.toml", "--buildkitd-flags", "--allow-insecure-entitlement network.host",
               "--use", "--bootstrap")
        self.addCleanup(lambda: subprocess.run(["docker", "buildx", "rm", "loam"], env=os.environ | env, capture_output=True))
        inspected = buildx("inspect")
        self.assertRegex(inspected, r"Status: +running\n")
        self.assertRegex(inspected, r"from: +the-file\n")
        buildx("build", "--load", "-t", "app:1", "app")
        self.assertEqual(self.run_docker("run", "--rm", "--network=none", "app:1", "cat", "/hello"), "hello you\n")
        buildx("build", "--push", "--sbom=false", "--provenance=mode=max", "-t", f"{self.registry}/app:1", "app")
        index = json.loads(buildx("imagetools", "inspect", "--raw", f"{self.registry}/app:1"))
        self.assertEqual(len(index["manifests"]), 2)
        self.write("bake.json", json.dumps({"target": {
            name: {"context": "app", "args": {"WHO": name}, "tags": [f"bake:{name}"], "output": ["type=docker"]} for name in "ab"}}))
        buildx("bake", "-f", "bake.json", "a", "b")
        for name in "ab":
            self.assertEqual(self.run_docker("run", "--rm", "--network=none", f"bake:{name}", "cat", "/hello"), f"hello {name}\n")
        with self.subTest("Docker's own `docker build`"):
            self.run_checked("docker", "buildx", "install", env=env)
            self.run_checked("docker", "build", "-t", "app:2", "--load", "app", env=env, cwd=self.work)
            self.assertEqual(self.run_docker("images", "-q", "app:1"), self.run_docker("images", "-q", "app:2"))
        self.assertIn("exec.cachemount", buildx("du", "--verbose"))
        self.assertEqual(len(buildx("history", "ls", "--format", "json").splitlines()), 5)
        logs = subprocess.run(["docker", "buildx", "history", "logs"], env=os.environ | env, capture_output=True, text=True)
        self.assertIn('RUN --mount=type=cache,target=/cache echo x', logs.stderr)
        self.assertIn("Total:", buildx("prune", "-f", "--filter", "type=exec.cachemount"))
        self.assertNotIn("exec.cachemount", buildx("du", "--verbose"))
        buildx("stop")
        self.assertRegex(buildx("inspect"), r"Status: +stopped\n")
        buildx("build", "app")
        buildx("rm", "loam")
        self.assertEqual(self.run_docker("ps", "-aq"), "")
        self.assertEqual(self.run_docker("volume", "ls", "-q"), "")


if __name__ == "__main__":
    support.main()
