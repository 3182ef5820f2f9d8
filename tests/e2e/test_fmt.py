"""loam fmt: standard input, directories, --check, --diff, --write, --verify, files that do not parse."""
import subprocess
import unittest

from support import LOAM, LoamCase, main

MESSY = "from   scratch  as x\n\n\n\n# why\ncopy   a \\\n  b /\nRUN a  &&\\\n  b\n\n"
NEAT = "FROM scratch AS x\n\n# why\nCOPY a \\\n    b /\nRUN a  &&\\\n  b\n"
MESSY_EARTH = "VERSION 0.8\nFROM alpine:3\na:\n  IF  [ -f x ]\n    RUN b\n  END\n# c\nd:\n\tBUILD   +a\n"
NEAT_EARTH = ("VERSION 0.8\nFROM alpine:3\n\na:\n    IF [ -f x ]\n        RUN b\n    END\n\n# c\nd:\n"
              "    BUILD +a\n")


class Fmt(LoamCase):
    def fmt(self, *args, code=0, text=""):
        done = subprocess.run([LOAM, "fmt", *args], input=text, text=True, capture_output=True, cwd=self.work)
        self.assertEqual(done.returncode, code, done)
        return done

    def test_standard_input(self):
        self.assertEqual(self.fmt("-", text=MESSY).stdout, NEAT)
        self.assertEqual(self.fmt("-", text=NEAT).stdout, NEAT)

    def test_files(self):
        file = self.write("Dockerfile", MESSY, mode=0o640)
        self.assertIn("Dockerfile is not formatted", self.fmt("--check", code=1).stderr)
        self.assertIn("+FROM scratch AS x\n", self.fmt("--diff").stdout)
        self.assertEqual(file.read_text(), MESSY)
        self.fmt("--write")
        self.assertEqual(file.read_text(), NEAT)
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)
        self.fmt("--check")

    def test_refusals(self):
        self.fmt("-", code=1, text="FROM scratch\nRUN <<EOF\nx\n")
        self.fmt("--write", "-", code=2, text=MESSY)
        self.fmt("Earthfile", code=1)
        self.fmt("--language=makefile", "-", code=2, text=MESSY)

    def test_earthfiles(self):
        self.assertEqual(self.fmt("--stdin-filename=sub/Earthfile", "-", text=MESSY_EARTH).stdout, NEAT_EARTH)
        self.assertEqual(self.fmt("--language=earthfile", "-", text=NEAT_EARTH).stdout, NEAT_EARTH)
        self.write("sub/Earthfile", MESSY_EARTH)
        self.write("sub/deep/release.Dockerfile", MESSY)
        self.write("sub/.git/Dockerfile", MESSY)
        said = self.fmt("--check", "sub", code=1).stderr
        self.assertEqual(said.splitlines(), ["sub/Earthfile is not formatted",
                                             "sub/deep/release.Dockerfile is not formatted"])
        said = self.fmt("--write", "--verify", "sub").stderr
        self.assertIn("sub/Earthfile: the same tree, and the same build of 2 of 2 targets", said)
        self.assertIn("release.Dockerfile: the same build (2 compared)", said)
        self.fmt("--check", "sub")
        self.assertEqual((self.work / "sub/Earthfile").read_text(), NEAT_EARTH)
        self.fmt("--check", self.write("empty/x", "").parent.as_posix(), code=1)


if __name__ == "__main__":
    main()
