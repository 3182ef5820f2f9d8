"""Every Earthfile project under examples/ is built as its README says, and its second build runs nothing."""
import shutil
import subprocess

import support


class Examples(support.LoamCase):
    def earth(self, *args):
        done = subprocess.run([support.LOAM, *args], cwd=self.work, capture_output=True, text=True, timeout=600,
                              env=self.environment(LOAM_ROOT=str(self.root)), stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        return done.stderr

    def project(self, name):
        shutil.copytree(support.SOURCE_DIR / "examples" / name, self.work, dirs_exist_ok=True)

    def build_twice(self, *flags):
        self.earth(*flags, "+all")
        again = self.earth(*flags, "+all")
        steps = [line for line in again.splitlines() if "--> RUN " in line or "--> WITH DOCKER RUN " in line]
        self.assertTrue(steps, again)
        self.assertEqual([line for line in steps if "*cached*" not in line], [], again)

    def test_monorepo(self):
        self.project("earthfile-monorepo")
        self.import_busybox()
        self.build_twice()
        out = subprocess.run(["sh", self.work / "api/out/api"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(out, "[api] ready\n")

    def test_multiplatform(self):
        self.project("earthfile-multiplatform")
        self.earth("+all")
        self.assertIn("greeting:latest", self.loam("image", "ls", check=0).out)

    def test_cpp(self):
        self.project("earthfile-cpp")
        self.debian_image("debian-toolchain:12", "busybox-static", "g++", "cmake", "ninja-build", "ccache", "libc6-dev")
        self.build_twice()
        self.assertEqual(self.run_checked(self.work / "out/greet", "you"), "Hello, you, from an image built by Loam\n")
        self.assertEqual(self.loam("run", "greet:latest", "you", check=0).out, "Hello, you, from an image built by Loam\n")

    def test_go(self):
        self.project("earthfile-go")
        self.debian_image("debian-go:12", "busybox-static", "golang-go")
        self.build_twice()
        self.assertEqual(self.run_checked(self.work / "out/greet-linux-amd64", "you"),
                         "Hello, you, from Go built by Loam\n")
        self.assertIn(b"\xb7\x00", (self.work / "out/greet-linux-arm64").read_bytes()[18:20])  # EM_AARCH64
        self.assertEqual(self.loam("run", "go-greet:latest", check=0).out, "Hello, world, from Go built by Loam\n")

    def test_node(self):
        self.project("earthfile-node")
        self.node_image("debian-node:12")
        self.build_twice()
        self.assertEqual(self.loam("run", "node-greet:latest", check=0).out,
                         "Hello, world, from Node.js in an image built by Loam\n")

    def test_with_docker(self):
        self.project("earthfile-with-docker")
        self.import_busybox()
        self.debian_image("debian-docker:12", *support.DOCKER_PACKAGES)
        self.build_twice("-P")
        self.assertEqual((self.work / "out/answer.html").read_text(), (self.work / "page.html").read_text())


if __name__ == "__main__":
    support.main()
