"""What goes wrong: bad input, killed processes, full disks, missing programs. Nothing is left half-done."""
import json
import os
import pathlib
import random
import signal
import subprocess
import time

from support import LOAM, LoamCase, main, need, wait_for


class BadInput(LoamCase):
    def expect_error(self, *args, says, **more):
        done = self.build(*args, check=1, **more)
        self.assertIn("error", done.err)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.err)
        self.assertNotIn("internal error", done.err)
        return done

    def test_no_dockerfile(self):
        self.expect_error(".", says="Dockerfile")

    def test_no_such_folder(self):
        self.expect_error("nowhere", says="nowhere")

    def test_every_syntax_error_is_reported(self):
        self.write("Dockerfile", "FROM scratch\nCOPPY a b\nRUN --mount=type=bund true\nCOPY onlyone\nWORKDIR\n")
        self.expect_error(".", says=["COPPY", "`COPY`", "Dockerfile:2", "Dockerfile:4", "Dockerfile:5"])

    def test_unknown_target_names_the_nearest(self):
        self.write("Dockerfile", "FROM scratch AS builder\nCOPY a /\n")
        self.write("a", "A")
        self.expect_error("--target", "bulder", ".", says="builder")

    def test_missing_file_in_the_context(self):
        self.write("Dockerfile", "FROM scratch\nCOPY missing.txt /\n")
        self.expect_error(".", says="missing.txt")

    def test_missing_file_names_the_nearest_or_the_ignore_line(self):
        self.write("Dockerfile", "FROM scratch\nCOPY src/mian.c /\n")
        self.write("src/main.c", "")
        self.expect_error(".", says="did you mean `src/main.c`?")
        self.write("Dockerfile", "FROM scratch\nCOPY src/main.c /\n")
        self.write(".dockerignore", "*.md\nsrc\n")
        self.expect_error(".", says="excluded by line 2 of .dockerignore")

    def test_path_outside_the_context(self):
        self.write("sub/Dockerfile", "FROM scratch\nCOPY ../secret /\n")
        self.write("secret", "S")
        self.expect_error("sub", says="secret")

    def test_stage_that_does_not_exist_yet(self):
        self.write("Dockerfile", "FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\nCOPY --from=a /x /\n")
        self.expect_error("--target", "b", ".", says="b")

    def test_image_that_cannot_be_resolved(self):
        self.write("Dockerfile", "FROM 127.0.0.1:1/nothing/here:1\nRUN true\n")
        self.expect_error(".", says="127.0.0.1:1/nothing/here:1")

    def test_wrong_digest(self):
        registry = self.start_registry()
        self.import_busybox()
        self.build("-t", f"{registry}/b:1", "--push", "-f", "-", ".", stdin=b"FROM busybox:latest\nLABEL a=b\n")
        wrong = "sha256:" + "0" * 64
        self.write("Dockerfile", f"FROM {registry}/b@{wrong}\nRUN true\n")
        self.expect_error(".", says=wrong)

    def test_wrong_command_line(self):
        done = self.build("--tagret", "x", ".", check=2)
        self.assertIn("did you mean `--target`", done.err)

    def test_without_root(self):
        rootfs = self.busybox_rootfs()
        self.write("Dockerfile", "FROM busybox\nRUN true\n")
        os.chmod(self.base, 0o755)
        home = self.base / "home"
        home.mkdir()
        os.chown(home, 65534, 65534)
        program = self.base / "loam"
        program.write_bytes(pathlib.Path(LOAM).read_bytes())
        program.chmod(0o755)
        def as_nobody(*args):
            return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(program), *args],
                                  env=self.environment() | {"HOME": str(home)}, capture_output=True, text=True)
        # Importing and copying need no root; a step does, and says so.
        self.assertEqual(as_nobody("image", "import", "-t", "busybox", str(rootfs)).returncode, 0)
        done = as_nobody("build", "--progress=plain", str(self.work))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("root", done.stderr)
        self.assertNotIn("internal error", done.stderr)

    def test_without_a_runtime(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN true\n")
        self.expect_error("--runtime", "/nonexistent/crun", ".", says="crun")

    def test_full_disk(self):
        self.root.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.root]).returncode == 0
        need(mounted, "needs to mount a tmpfs")
        try:
            base = self.import_busybox()
            self.write("Dockerfile", f"FROM {base}\nRUN dd if=/dev/zero of=/big bs=1M count=64\n")
            self.expect_error(".", says="No space left")
            self.write("big", bytes(40 << 20))
            self.write("Dockerfile", "FROM scratch\nCOPY big /\n")
            self.expect_error(".", says="No space left")
            (self.work / "big").unlink()
            self.write("Dockerfile", f"FROM {base}\nRUN echo small > /small\n")
            self.build(".")
        finally:
            subprocess.run(["umount", self.root], check=True)

    def test_output_folder_that_cannot_be_written(self):
        self.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        self.write("file", "not a folder")
        self.expect_error("-o", "file/out", ".", says="file")


def running(words):
    """Whether some process has this command line."""
    wanted = b"\0".join(word.encode() for word in words)
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


class Killed(LoamCase):
    def prepare(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"""FROM {base} AS a
COPY src /src
RUN cat /src/* > /all && sleep 0.05
RUN dd if=/dev/zero of=/zeros bs=1M count=20 2>/dev/null && sleep 0.05
FROM {base} AS b
RUN sleep 0.1; echo b > /b
FROM scratch
COPY --from=a /all /zeros /
COPY --from=b /b /
""")
        for i in range(200):
            self.write(f"src/f{i}", f"{i}\n" * 100)

    def digest_of_a_build(self):
        self.build("--metadata-file", "../meta.json", "-o", "type=oci,dest=../image.tar,rewrite-timestamp=true", ".",
                   env={"SOURCE_DATE_EPOCH": "0"})
        return json.loads((self.base / "meta.json").read_text())["containerimage.digest"]

    def test_kill_at_random_moments_twenty_times(self):
        self.prepare()
        expected = self.digest_of_a_build()
        rng = random.Random(7)
        for attempt in range(20):
            process = self.start("build", "--progress=plain", "--no-cache", "-o", "type=oci,dest=../killed.tar", ".",
                                 env={"SOURCE_DATE_EPOCH": "0"})
            time.sleep(rng.uniform(0.0, 0.6))
            process.kill()
            process.communicate()
            wait_for(lambda: not self.leftovers()["processes"], "the steps of the killed build ending", 10)
            self.assertEqual(self.leftovers()["mounts"], [])
            self.assertEqual(self.digest_of_a_build(), expected, f"attempt {attempt}")
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})

    def test_interrupt_stops_the_containers(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN echo begun; sleep 987654\n")
        process = self.start("build", "--progress=plain", ".")
        wait_for(lambda: running(["sleep", "987654"]), "the step running")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, err.decode())
        self.assertFalse(running(["sleep", "987654"]))
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})

    def test_failed_build_leaves_no_output(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN exit 1\n")
        self.build("-o", "type=oci,dest=image.tar", ".", check=1)
        self.assertEqual(sorted(p.name for p in self.work.iterdir()), ["Dockerfile"])
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})


if __name__ == "__main__":
    main()
