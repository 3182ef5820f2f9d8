"""The command line itself: help, mistakes, compile, progress modes, completions."""
import json
import os
import pty
import select
import signal
import subprocess
import time

from support import LOAM, LoamCase, main


class Cli(LoamCase):
    def plain(self, *args):
        done = subprocess.run([LOAM, *args], capture_output=True, text=True, env=self.environment())
        return done.returncode, done.stdout, done.stderr

    def test_help_names_every_command(self):
        code, out, _ = self.plain("help")
        self.assertEqual(code, 0)
        for verb in ("build", "run", "why", "compile", "image", "du", "prune", "completion", "version"):
            self.assertIn(f"\n  {verb} ", out)
            code, text, _ = self.plain(verb, "--help")
            self.assertEqual(code, 0)
            self.assertIn(f"usage: loam {verb}", text)

    def test_unknown_command(self):
        code, _, err = self.plain("biuld")
        self.assertEqual(code, 2)
        self.assertIn("did you mean `loam build`", err)

    def test_output_that_nobody_reads(self):
        for words in (("completion", "bash"), ("build", "--help"), ("help",)):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([LOAM, *words], stdout=full, stderr=subprocess.PIPE, env=self.environment())
            self.assertEqual((done.returncode, done.stderr), (1, b"error: standard output could not be written\n"))
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run([LOAM, *words], stdout=write, stderr=subprocess.PIPE, env=self.environment())
            os.close(write)
            self.assertEqual((done.returncode, done.stderr), (1, b""))

    def test_completions_are_valid_shell(self):
        code, out, _ = self.plain("completion", "bash")
        self.assertEqual(code, 0)
        script = out + '\nCOMP_WORDS=(loam build --prog); COMP_CWORD=2; _loam; echo "${COMPREPLY[@]}"\n'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), "--progress", done.stderr)
        for shell in ("zsh", "fish"):
            self.assertEqual(self.plain("completion", shell)[0], 0)
        self.assertEqual(self.plain("completion", "tcsh")[0], 2)


class Dockerfiles(LoamCase):
    """Where the Dockerfile may be, and what somebody is told who has none there."""

    def test_from_a_pipe(self):
        self.write("f", "1")
        for name in ("/dev/stdin", "/dev/fd/0"):
            self.loam("build", "-f", name, "-o", "out", ".", stdin=b"FROM scratch\nCOPY f /g\n", check=0)
            self.assertEqual((self.work / "out/g").read_text(), "1")
            (self.work / "out/g").unlink()

    def test_behind_a_link_that_leads_out_of_the_directory(self):
        self.write("f", "1")
        self.write("files/mine", "FROM scratch\nCOPY f /g\n")
        self.write("app/f", "2")
        (self.work / "app/Dockerfile").symlink_to("../files/mine")
        self.loam("build", "-o", "out", "app", check=0)
        self.assertEqual((self.work / "out/g").read_text(), "2")

    def test_hints(self):
        self.assertIn("loam build DIR", self.loam("build", ".", check=1).err)
        self.write("Containerfile", "FROM scratch\n")
        self.assertIn("`-f Containerfile`", self.loam("build", ".", check=1).err)
        self.write("sub/Earthfile", "VERSION 0.8\n")
        self.assertIn("`loam ./sub+TARGET`", self.loam("build", "sub", check=1).err)
        self.assertIn("is an Earthfile", self.loam("build", "-f", "sub/Earthfile", ".", check=1).err)
        self.assertIn("`loam explain +TARGET`", self.loam("graph", "+all", check=1).err)
        self.assertIn("flags that only Dockerfiles have", self.loam("build", "-t", "x", "+all", check=1).err)


class BeforeTheBuild(LoamCase):
    """What is wrong with the command line is told before the first step runs, with exit code 2."""

    def test_wrong_values(self):
        self.write("Dockerfile", "FROM scratch\nRUN never\n")
        self.write("file", "")
        for flags, words in (
                (["-t", "a b"], "`library/a b` is no repository name"),
                (["-o", "type=oci,dest=x,compression=foo"], "unsupported compression type `foo`"),
                (["-o", "type=oci,dest=nosuch/x"], "write into nosuch"),
                (["-o", "file"], "is not a directory"),
                (["--output="], "needs `dest=PATH`"),
                (["--iidfile", "nosuch/id"], "write into nosuch"),
                (["--metadata-file="], "no name of a file"),
                (["--load", "--load-via=foo"], "loaded by `registry`, `archive` or `auto`"),
                (["--provenance=mode=foo"], "mode is min or max, not `foo`"),
                (["--provenance=foo"], "`foo` is not of the form key=value"),
                (["--sbom=foo"], "`foo` is not of the form key=value"),
                (["--annotation", "x"], "expected KEY=VALUE"),
                (["--build-arg", "=x"], "expected NAME=VALUE"),
                (["--add-host", "h:1.2.3.999"], "`--add-host`: `h=1.2.3.999` is not host=address"),
                (["--cpu-period", "x"], "`--cpu-period`: `x` is no number"),
                (["--platform", "foo"], "`--platform`: `foo` is neither")):
            done = self.loam("build", "--progress=plain", *flags, ".", check=2)
            self.assertIn(words, done.err)
            self.assertNotIn("#1", done.err)

    def test_annotations_of_the_image(self):
        self.write("f", "")
        self.write("Dockerfile", "FROM scratch\nCOPY f /\n")
        self.loam("build", "--annotation", "a=1", "--annotation=manifest[linux/amd64],index:b=x:y=2", "--provenance=true",
                  "-o", "type=oci,dest=out,tar=false", "--platform=linux/amd64", ".", check=0)
        blobs = self.work / "out/blobs/sha256"
        entry = json.loads((self.work / "out/index.json").read_text())["manifests"][0]
        index = json.loads((blobs / entry["digest"][7:]).read_text())
        self.assertEqual(index["annotations"], {"b": "x:y=2"})
        manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
        self.assertEqual(manifest["annotations"], {"a": "1", "b": "x:y=2"})

    def test_text_that_is_not_utf8_has_its_place(self):
        self.write("Dockerfile", b"FROM scratch\nCOPY f /\n# \xe4 is well in a comment, too\nRUN echo \xe9t\xe9\n")
        err = self.loam("build", "--progress=plain", ".", check=1).err
        self.assertIn("LD0327", err)
        self.assertIn("--> Dockerfile:4:10", err)
        self.assertNotIn("has mistakes", err)


class Compile(LoamCase):
    def test_every_stage(self):
        self.write("Dockerfile", "FROM scratch AS a\nCOPY x y /in/\nFROM scratch\nCOPY --from=a /in /out\nCMD [\"/out/x\"]\n")
        for emit in ("tokens", "tree", "ast", "ast-json", "ir", "llb-json", "llb-text", "dot", "digests", "image-config"):
            done = self.loam("compile", "--emit", emit, ".", check=0)
            self.assertTrue(done.out.strip(), emit)
        self.assertEqual(json.loads(self.loam("compile", "--emit=image-config", ".", check=0).out)["config"]["Cmd"], ["/out/x"])
        digests = self.loam("compile", "--emit=digests", "-O0", ".", check=0).out.split()
        self.assertEqual(len(digests), len([d for d in digests if d.startswith("sha256:")]))
        self.assertEqual(self.loam("compile", "--emit=llb", ".", check=0, binary=True).out,
                         self.loam("compile", "--emit=llb", ".", check=0, binary=True).out)

    def test_tree_is_lossless_and_errors_are_json(self):
        self.write("Dockerfile", "FROM scratch\nCOPPY a b\n")
        done = self.loam("compile", "--diagnostics=json", ".", check=1)
        diagnostics = json.loads(done.out)["diagnostics"]
        self.assertEqual(diagnostics[0]["range"]["start"]["line"], 2)

    def test_images_from_a_file(self):
        self.write("images.json", json.dumps({"docker.io/library/alpine:3": {
            "digest": "sha256:" + "a" * 64, "config": {
                "architecture": "amd64", "os": "linux", "config": {"Env": ["A=b"]},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "b" * 64]}}}}))
        self.write("Dockerfile", "FROM alpine:3\nRUN echo $A\n")
        done = self.loam("compile", "--images", "images.json", "--emit=llb-text", ".", check=0)
        self.assertIn("a" * 64, done.out)

    def test_explain_passes(self):
        self.write("Dockerfile", "FROM scratch\nCOPY a /a\nCOPY b /b\nWORKDIR /c\n")
        done = self.loam("compile", "--explain-passes", "--emit=ir", ".", check=0)
        self.assertIn("fold", done.err)


class Progress(LoamCase):
    def prepare(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN for i in 1 2 3; do echo line $i; sleep 0.1; done\n")

    def test_raw_json_is_one_object_a_line(self):
        self.prepare()
        names = set()
        for line in self.loam("build", "--progress=rawjson", ".", check=0).err.splitlines():
            for vertex in json.loads(line).get("vertexes", []):
                names.add(vertex["name"])
        self.assertTrue(any("RUN for i in" in name for name in names), names)

    def test_a_build_goes_on_without_its_progress(self):
        self.prepare()
        for mode in ("plain", "rawjson"):
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run([LOAM, "build", "--root", str(self.root), "--no-cache", f"--progress={mode}", "--iidfile", "id", "."],
                                  cwd=self.work, env=self.environment(), stdin=subprocess.DEVNULL, stdout=write, stderr=write)
            os.close(write)
            self.assertEqual(done.returncode, 0, mode)
            self.assertRegex((self.work / "id").read_text(), r"^sha256:[0-9a-f]{64}$")
            (self.work / "id").unlink()

    def test_termination_at_any_moment(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN sleep 60\n")
        for moment in range(16):
            process = self.start("build", "--progress=plain", ".")
            time.sleep(moment * 0.015)
            process.terminate()
            _, err = process.communicate(timeout=30)
            # Before the program listens the signal ends it.
            self.assertIn(process.returncode, (130, -signal.SIGTERM), err)

    def test_quiet_prints_the_image_id_only(self):
        self.prepare()
        done = self.loam("build", "-q", ".", check=0)
        self.assertRegex(done.out, r"^sha256:[0-9a-f]{64}\n$")
        self.assertEqual(done.err, "")

    def test_live_display_on_a_terminal(self):
        self.prepare()
        master, slave = pty.openpty()
        process = subprocess.Popen([LOAM, "build", "--root", str(self.root), "."], cwd=self.work, env=self.environment(TERM="xterm"),
                                   stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
        os.close(slave)
        screen = b""
        while True:
            ready, _, _ = select.select([master], [], [], 60)
            self.assertTrue(ready, "the build hangs")
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            screen += data
        os.close(master)
        self.assertEqual(process.wait(), 0, screen.decode(errors="replace"))
        text = screen.decode(errors="replace")
        self.assertIn("[+] Building", text)
        self.assertIn("FINISHED", text)
        self.assertIn("# line 1", text)
        self.assertTrue(text.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in text, "the cursor is shown again")


if __name__ == "__main__":
    main()
