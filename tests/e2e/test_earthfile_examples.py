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

    def build_twice(self):
        self.earth("+all")
        again = self.earth("+all")
        steps = [line for line in again.splitlines() if "--> RUN " in line]
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
        support.need_program("apt-get")
        rootfs = self.base / "toolchain.tar"
        self.run_checked(support.SOURCE_DIR / "scripts/debian-rootfs", rootfs, "busybox-static", "g++", "cmake",
                         "ninja-build", "ccache", "libc6-dev")
        self.loam("image", "import", "--tag", "debian-toolchain:12", rootfs, check=0)
        self.build_twice()
        self.assertEqual(self.run_checked(self.work / "out/greet", "you"), "Hello, you, from an image built by Loam\n")
        self.assertEqual(self.loam("run", "greet:latest", "you", check=0).out, "Hello, you, from an image built by Loam\n")


if __name__ == "__main__":
    support.main()
