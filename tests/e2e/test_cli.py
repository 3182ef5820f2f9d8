"""The command line itself: help, mistakes, compile, progress modes, completions."""
import json
import os
import pty
import select
import subprocess

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

    def test_completions_are_valid_shell(self):
        code, out, _ = self.plain("completion", "bash")
        self.assertEqual(code, 0)
        script = out + '\nCOMP_WORDS=(loam build --prog); COMP_CWORD=2; _loam; echo "${COMPREPLY[@]}"\n'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), "--progress", done.stderr)
        for shell in ("zsh", "fish"):
            self.assertEqual(self.plain("completion", shell)[0], 0)
        self.assertEqual(self.plain("completion", "tcsh")[0], 2)


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
