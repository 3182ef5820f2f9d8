"""loam fmt: standard input, --check, --diff, --write, files that do not parse."""
import subprocess
import unittest

from support import LOAM, LoamCase, main

MESSY = "from   scratch  as x\n\n\n\n# why\ncopy   a \\\n  b /\nRUN a  &&\\\n  b\n\n"
NEAT = "FROM scratch  AS x\n\n# why\nCOPY a \\\n    b /\nRUN a  &&\\\n  b\n"


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
        self.assertIn("+FROM scratch  AS x\n", self.fmt("--diff").stdout)
        self.assertEqual(file.read_text(), MESSY)
        self.fmt("--write")
        self.assertEqual(file.read_text(), NEAT)
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)
        self.fmt("--check")

    def test_refusals(self):
        self.fmt("-", code=1, text="FROM scratch\nRUN <<EOF\nx\n")
        self.fmt("--write", "-", code=2, text=MESSY)
        self.fmt("Earthfile", code=1)


if __name__ == "__main__":
    main()
