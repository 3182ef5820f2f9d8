"""WITH DOCKER in all its options, with a real dockerd in the step, and with the machine's own under LOCALLY."""
import json
import subprocess

import support


class WithDocker(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("crun")
        self.import_busybox("box:1")

    def earth(self, *args, check=0, env=None):
        return self.loam("build", "-P", *args, check=check, env=env)

    def docker_image(self, *more):
        self.debian_image("docker:12", *support.DOCKER_PACKAGES, *more)

    def host_networks(self):
        """Interfaces and rules of the machine that a Docker daemon could have made."""
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
        rules = subprocess.run(["iptables-save"], capture_output=True, text=True).stdout
        return ([line.split()[1] for line in links.splitlines() if "docker" in line],
                sorted(line for line in rules.splitlines() if "DOCKER" in line))

    def test_load_pull_and_platform(self):
        self.docker_image()
        registry = self.start_registry()
        self.run_checked("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", f"docker-archive:{self.archive()}",
                         f"docker://{registry}/lib/pulled:1")
        self.write("hello", "hello\n")
        self.write("Earthfile", f"""VERSION 0.8
FROM box:1
app:
    ENV WHO="a \\"b\\" $c"
    COPY hello /hello
    CMD ["cat", "/hello"]
    SAVE IMAGE app:1
arm:
    FROM --platform=linux/arm64 scratch
    COPY hello /hello
    SAVE IMAGE arm:1
test:
    FROM docker:12
    WITH DOCKER --load=+app --load=other/name:2=+app --load=+arm --pull={registry}/lib/pulled:1
        RUN docker image ls --format '{{{{.Repository}}}}:{{{{.Tag}}}}' | sort >/names; \\
            docker run --rm app:1 >/out; \\
            docker run --rm --network=none app:1 sh -c 'echo "$WHO"' >>/out; \\
            docker image inspect --format '{{{{.Architecture}}}}' arm:1 >>/out; \\
            docker image inspect --format '{{{{len .RootFS.Layers}}}}' app:1 >>/out
    END
    SAVE ARTIFACT /names AS LOCAL names
    SAVE ARTIFACT /out AS LOCAL out
""")
        before = self.host_networks()
        done = self.earth("+test")
        self.assertEqual((self.work / "names").read_text().split(),
                         [f"{registry}/lib/pulled:1", "app:1", "arm:1", "other/name:2"], done)
        # The layers of the image stay layers.
        self.assertEqual((self.work / "out").read_text(), "hello\na \"b\" \narm64\n2\n", done)
        self.assertEqual(self.host_networks(), before)
        again = self.earth("+test")
        self.assertRegex(again.err, r"\*cached\* --> WITH DOCKER RUN")
        self.write("hello", "changed\n")
        self.earth("+test")
        self.assertIn("changed\n", (self.work / "out").read_text())

    def archive(self):
        """A docker-archive of a small image."""
        self.write("pulled/Dockerfile", "FROM scratch\nCOPY f /f\n")
        self.write("pulled/f", "f\n")
        self.build("-o", f"type=docker,dest={self.base}/pulled.tar,name=pulled:1", "pulled")
        return self.base / "pulled.tar"

    def test_cache_id_keeps_the_daemons_data(self):
        self.docker_image()
        self.write("Earthfile", """VERSION --docker-cache 0.8
app:
    FROM box:1
    ARG text
    RUN echo $text >/text
    SAVE IMAGE app:1
test:
    FROM docker:12
    ARG run
    WITH DOCKER --cache-id=mine --load=(+app --text=$run)
        RUN docker volume ls -q >/volumes; docker volume create kept-$run; \\
            docker run --rm --network=none app:1 cat /text >/text
    END
    SAVE ARTIFACT /volumes AS LOCAL volumes
    SAVE ARTIFACT /text AS LOCAL text
""")
        self.earth("+test", "--run=1")
        self.assertEqual((self.work / "volumes").read_text(), "")
        self.earth("+test", "--run=2")  # shares the lower layer with what the daemon has
        self.assertEqual((self.work / "volumes").read_text(), "kept-1\n")
        self.assertEqual((self.work / "text").read_text(), "2\n")

    def test_compose_and_services(self):
        self.docker_image("docker-compose")
        self.write("compose.yml", """version: "3"
services:
  web:
    image: web:1
    ports: ["8080:80"]
  unused:
    image: does/not-exist:1
""")
        self.write("page", "from a service\n")
        self.write("Earthfile", """VERSION 0.8
web:
    FROM box:1
    COPY page /www/index.html
    ENTRYPOINT ["busybox", "httpd", "-f", "-p", "80", "-h", "/www"]
    SAVE IMAGE web:1
test:
    FROM docker:12
    COPY compose.yml .
    WITH DOCKER --compose=compose.yml --service=web --load=+web
        RUN until wget -q -O /page http://127.0.0.1:8080/; do sleep 0.1; done; docker ps --format '{{.Image}}' >/running
    END
    SAVE ARTIFACT /page AS LOCAL got
    SAVE ARTIFACT /running AS LOCAL running
""")
        done = self.earth("+test")
        self.assertEqual((self.work / "got").read_text(), "from a service\n", done)
        self.assertEqual((self.work / "running").read_text(), "web:1\n")

    def test_a_failing_command_fails_and_leaves_nothing(self):
        self.docker_image()
        self.write("Earthfile", "VERSION 0.8\nFROM docker:12\ntest:\n    WITH DOCKER\n        RUN exit 5\n    END\n")
        before = self.host_networks()
        failed = self.earth("+test", check=1)
        self.assertIn("Exit code 5", failed.err)
        self.assertEqual(self.host_networks(), before)
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})
        refused = self.loam("build", "+test", check=1)
        self.assertIn("--allow-privileged", refused.err)

    def test_under_locally_the_machines_daemon_is_used(self):
        docker = self.start_dockerd()
        self.write("Earthfile", """VERSION 0.8
app:
    FROM box:1
    RUN echo made >/made
    SAVE IMAGE app:local
test:
    LOCALLY
    WITH DOCKER --load=+app
        RUN docker run --rm --network=none app:local cat /made >out
    END
""")
        self.earth("+test", env=docker)
        self.assertEqual((self.work / "out").read_text(), "made\n")
        image = json.loads(self.run_checked("docker", "image", "inspect", "app:local", env=docker))[0]
        self.assertEqual(len(image["RootFS"]["Layers"]), 2)


class LoadIntoDocker(support.LoamCase):
    """loam build --load: only what the daemon lacks is sent."""

    def setUp(self):
        super().setUp()
        self.import_busybox("box:1")
        self.docker = self.start_dockerd()

    def load(self, *args):
        """(layers sent, layers the daemon had)"""
        self.build("--load", "--metadata-file", "meta.json", *args, ".", env=self.docker)
        meta = json.loads((self.work / "meta.json").read_text())
        return int(meta["docker.load.layers-sent"]), int(meta["docker.load.layers-known"])

    def test_layers_that_the_daemon_has_are_not_sent(self):
        self.write("Dockerfile", "FROM box:1\nCOPY big /big\nCOPY small /small\n")
        self.write("big", "x" * 100000)
        self.write("small", "1\n")
        self.assertEqual(self.load("-t", "app:1"), (3, 0))
        self.assertEqual(self.load("-t", "app:2"), (0, 3))
        self.write("small", "2\n")
        self.assertEqual(self.load("-t", "app:3"), (1, 2))
        for tag, expected in (("1", "1\n"), ("2", "1\n"), ("3", "2\n")):
            out = self.run_checked("docker", "run", "--rm", "--network=none", f"app:{tag}", "cat", "/small", env=self.docker)
            self.assertEqual(out, expected)
        self.run_checked("docker", "image", "rm", "-f", "app:1", "app:2", "app:3", env=self.docker)
        self.assertEqual(self.load("-t", "app:4"), (3, 0))

    def test_a_docker_context_says_where_the_daemon_is(self):
        self.write("Dockerfile", "FROM box:1\n")
        config = {"DOCKER_CONFIG": str(self.base / "docker")}
        self.run_checked("docker", "context", "create", "mine", "--docker", "host=" + self.docker["DOCKER_HOST"], env=config)
        self.build("--load", "-t", "by-context:1", ".", env=config | {"DOCKER_CONTEXT": "mine"})
        self.run_checked("docker", "context", "use", "mine", env=config)
        self.build("--load", "-t", "by-config:1", ".", env=config)
        names = self.run_checked("docker", "image", "ls", "--format", "{{.Repository}}", env=self.docker).split()
        self.assertEqual(sorted(names), ["by-config", "by-context"])
        unknown = self.build("--load", "-t", "x", ".", env=config | {"DOCKER_CONTEXT": "nowhere"}, check=2)
        self.assertIn("there is no docker context `nowhere`", unknown.err)
        gone = self.build("--load", "-t", "x", ".", env={"DOCKER_HOST": f"unix://{self.base}/none"}, check=1)
        self.assertIn("no Docker daemon answers", gone.err)

    def test_saved_images_of_earthfiles(self):
        self.write("Earthfile", """VERSION 0.8
FROM box:1
image:
    RUN echo made >/made
    SAVE IMAGE app:1 app:2
    BUILD +other
other:
    SAVE IMAGE other:1
""")
        done = self.loam("build", "+image", env=self.docker, check=0)
        for name in ("app:1", "app:2", "other:1"):
            self.assertRegex(done.err, f"output as {name}, loaded into Docker")
        for name in ("app:1", "app:2"):
            out = self.run_checked("docker", "run", "--rm", "--network=none", name, "cat", "/made", env=self.docker)
            self.assertEqual(out, "made\n")
        layers = json.loads(self.run_checked("docker", "image", "inspect", "app:1", env=self.docker))[0]["RootFS"]["Layers"]
        self.assertEqual(len(layers), 2)
        self.run_checked("docker", "image", "rm", "-f", "app:1", "app:2", "other:1", env=self.docker)
        self.loam("build", "--no-output", "+image", env=self.docker, check=0)
        self.assertEqual(self.run_checked("docker", "image", "ls", "-q", "app", env=self.docker), "")

    def test_saved_images_without_docker(self):
        self.write("Earthfile", "VERSION 0.8\nFROM box:1\nimage:\n    SAVE IMAGE app:1\n")
        # A context whose socket nobody made: as on a machine without Docker.
        config = {"DOCKER_CONFIG": str(self.base / "docker")}
        self.run_checked("docker", "context", "create", "none", "--docker", f"host=unix://{self.base}/none", env=config)
        self.run_checked("docker", "context", "use", "none", env=config)
        done = self.loam("build", "+image", env=config, check=0)
        self.assertIn("Images are in loam's own store", done.err)
        self.assertNotIn("warning", done.err)
        missing = {"DOCKER_HOST": f"unix://{self.base}/none"}
        told = self.loam("build", "+image", env=missing, check=0)
        self.assertIn("warning: image app:1 is not in Docker: no Docker daemon answers", told.err)
        refused = self.loam("build", "--load", "+image", env=missing, check=1)
        self.assertIn("no Docker daemon answers", refused.err)
        self.assertIn("without --load the images are kept in loam's own store", refused.err)


if __name__ == "__main__":
    support.main()
