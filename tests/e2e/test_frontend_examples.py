"""The example projects whose target gives one result, built through the frontend image by Debian's dockerd 20.10."""
import os
import shutil
import subprocess
import sys

import support
import test_frontend

sys.path.insert(0, str(support.SOURCE_DIR / "tests/support"))
import base_images  # noqa: E402

DOCKER = test_frontend.DOCKER


class FrontendExamples(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program(DOCKER)
        self.docker = self.start_dockerd() | {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        archives = {test_frontend.NAME: (test_frontend.frontend_layer(test_frontend.FRONTEND),
                                         {"Entrypoint": ["/loam-frontend"],
                                          "Labels": {"moby.buildkit.frontend.network.none": "true"}}),
                    "busybox:latest": (base_images.busybox_rootfs(), {"Env": ["PATH=/bin"], "Cmd": ["sh"]})}
        for name, (layer, config) in archives.items():
            test_frontend.docker_archive(self.base / "image.tar", name, layer, config)
            self.run_checked(DOCKER, "load", "-i", self.base / "image.tar", env=self.docker)

    def project(self, name):
        self.work = self.base / name
        shutil.copytree(support.SOURCE_DIR / "examples" / name, self.work)
        for file in self.work.rglob("Earthfile"):
            file.write_text(f"# syntax={test_frontend.NAME}\n" + file.read_text())

    def debian(self, name, *packages):
        kept = self.debian_rootfs(*packages)
        self.run_checked(DOCKER, "import", kept, name, env=self.docker)

    def docker_build(self, target, *args):
        done = subprocess.run([DOCKER, "build", "--network=none", "-f", "Earthfile", "--build-arg", f"LOAM_TARGET={target}",
                               *[str(a) for a in args], "."], cwd=self.work, capture_output=True, text=True,
                              env=os.environ | self.docker)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def docker_run(self, image, *args):
        return self.run_checked(DOCKER, "run", "--rm", "--network=none", image, *args, env=self.docker)

    def test_examples(self):
        """One daemon for all: each would have to be given the frontend's image."""
        with self.subTest("monorepo"):
            self.project("earthfile-monorepo")
            self.docker_build("./api+build", "-o", "type=local,dest=result")
            self.docker_build("./api+test")
            self.assertEqual([p.name for p in (self.work / "result").rglob("api") if p.is_file()], ["api"])
        with self.subTest("multiplatform"):
            self.project("earthfile-multiplatform")
            self.docker_build("+image", "-o", "type=local,dest=result")
            self.assertTrue((self.work / "result/greeting.txt").is_file())
        with self.subTest("cpp"):
            self.project("earthfile-cpp")
            self.debian("debian-toolchain:12", "busybox-static", "g++", "cmake", "ninja-build", "ccache", "libc6-dev")
            self.docker_build("+image", "-t", "greet")
            self.assertEqual(self.docker_run("greet", "you"), "Hello, you, from an image built by Loam\n")
        with self.subTest("node"):
            self.project("earthfile-node")
            self.debian("debian-node:12", *self.node_packages())
            self.docker_build("+image", "-t", "node-greet")
            self.assertIn("Node.js", self.docker_run("node-greet"))


if __name__ == "__main__":
    support.main()
