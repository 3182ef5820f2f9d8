"""Every project under examples/ is built as its text says, and what it makes is run."""
import json
import shutil

from support import SOURCE_DIR, LoamCase, main, need_program
from test_caching import steps_that_ran


class Quickstart(LoamCase):
    """Three stages in C++: compile with a toolchain of Debian packages, test, copy the binary to scratch."""

    def setUp(self):
        super().setUp()
        need_program("apt-get")
        shutil.copytree(SOURCE_DIR / "examples/quickstart", self.work, dirs_exist_ok=True)
        rootfs = self.base / "toolchain.tar"
        self.run_checked(SOURCE_DIR / "scripts/debian-rootfs", rootfs, "busybox-static", "g++", "libc6-dev")
        self.loam("image", "import", "--tag", "debian-toolchain:12", rootfs, check=0)

    def test_builds_runs_and_is_cached(self):
        first = self.build("-t", "quickstart", ".")
        self.assertEqual(len(steps_that_ran(first)), 2)
        self.assertEqual(self.loam("run", "quickstart", check=0).out, "Hello, world, from an image built by Loam\n")
        self.assertEqual(self.loam("run", "quickstart", "you", check=0).out, "Hello, you, from an image built by Loam\n")

        second = self.build("-t", "quickstart", "-o", "type=docker,dest=../image.tar", "--metadata-file", "../meta.json", ".")
        self.assertEqual(steps_that_ran(second), set())

        # A file that only the test needs re-runs the test alone.
        test = self.work / "src/greeting_test.cpp"
        test.write_text(test.read_text() + "// changed\n")
        ran = steps_that_ran(self.build("-t", "quickstart", "."))
        self.assertEqual(len(ran), 1)
        self.assertIn("[test", ran.pop())

        config = json.loads(self.run_checked("skopeo", "inspect", "--config", f"docker-archive:{self.base}/image.tar"))
        self.assertEqual(config["config"]["Entrypoint"], ["/greet"])
        self.assertEqual(len(config["rootfs"]["diff_ids"]), 2, "the binary and the report, nothing of the toolchain")

    def test_docker_runs_it(self):
        docker = self.start_dockerd()
        self.build("-t", "quickstart:e2e", "-o", "type=docker,dest=../image.tar", ".")
        self.run_checked("docker", "load", "-i", self.base / "image.tar", env=docker)
        out = self.run_checked("docker", "run", "--rm", "--network=none", "quickstart:e2e", "Docker", env=docker)
        self.assertEqual(out, "Hello, Docker, from an image built by Loam\n")


if __name__ == "__main__":
    main()
