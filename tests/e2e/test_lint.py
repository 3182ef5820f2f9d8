"""loam lint: both languages, formats, fixes, baseline, configuration, exit codes."""
import json
import subprocess
import unittest

from support import LOAM, LoamCase, main

EARTH = """VERSION 0.8
IMPORT ./lib
FROM alpine:3.20

all:
    BUILD --build-arg size=2 +app
    DO lib+GREET

app:
    FROM debian
    ARG size
    RUN make $size
"""
LIB = "VERSION 0.8\n\n# GREET greets.\nGREET:\n    FUNCTION\n    RUN echo hello\n"


class Lint(LoamCase):
    def lint(self, *args, code=0, text=""):
        done = subprocess.run([LOAM, "lint", "--lint=none", *args], input=text, text=True, capture_output=True, cwd=self.work)
        self.assertEqual(done.returncode, code, done)
        return done

    def setUp(self):
        super().setUp()
        self.write("Earthfile", EARTH)
        self.write("lib/Earthfile", LIB)
        self.write("Dockerfile", "FROM alpine:3.20 as x\nRUN true\n")

    def rules(self, *args, code):
        report = json.loads(self.lint("--format=json", *args, code=code).stdout)
        return [f"{row['file']}:{row['rule']}" for row in report["findings"]]

    def test_both_languages(self):
        self.assertEqual(self.rules(".", code=1), ["Dockerfile:FromAsCasing", "Earthfile:DeprecatedBuildArg",
                                                   "Earthfile:UntaggedBaseImage"])
        self.assertEqual(self.rules("lib", code=0), [])
        self.lint("--fail-on=error", ".")
        self.lint("--fail-on=loud", ".", code=2)
        self.lint("nowhere", code=1)
        self.assertIn("<stdin>:3:10: warning: ", self.lint("--language=earthfile", "-", code=1,
                                                            text="VERSION 0.8\na:\n    FROM b\n    RUN c\n").stdout)

    def test_escape_sequences_of_a_file_stay_out_of_the_terminal(self):
        self.write("evil/Dockerfile", "\x1b[2JFROM alpine:3.20\n")
        out = self.lint("evil", code=1).stdout
        self.assertNotIn("\x1b", out)
        self.assertIn("    ?[2JFROM alpine:3.20\n", out)

    def test_hadolint_rules_run_by_themselves(self):
        self.write("Earthfile", "VERSION 0.8\na:\n    FROM debian:12\n    RUN apt-get install -y curl\n")
        done = subprocess.run([LOAM, "lint", "Earthfile", "--lint=hadolint"], text=True, capture_output=True, cwd=self.work)
        self.assertIn("Earthfile:4:5: warning: pin the versions of apt-get install", done.stdout)

    def test_mistakes_of_the_project(self):
        self.write("Earthfile", EARTH.replace("+app", "+ap"))
        said = self.lint("Earthfile", code=1).stdout
        self.assertIn("error: ", said)
        self.assertIn("did you mean `+app`?", said)

    def test_fixes(self):
        said = self.lint("--fix", "--dry-run", "Earthfile").stdout
        self.assertIn("+    BUILD +app --size=2\n", said)
        self.assertEqual((self.work / "Earthfile").read_text(), EARTH)
        self.lint("--fix", ".", code=1)
        self.assertIn("    BUILD +app --size=2\n", (self.work / "Earthfile").read_text())
        self.assertEqual((self.work / "Dockerfile").read_text(), "FROM alpine:3.20 AS x\nRUN true\n")
        self.assertEqual(self.rules(".", code=1), ["Earthfile:UntaggedBaseImage"])

    def test_baseline_and_configuration(self):
        self.lint("--write-baseline=known.json", ".")
        self.assertIn("3 known findings left out", self.lint("--baseline=known.json", ".").stderr)
        self.write(".loam.toml", '[lint]\nbaseline = "known.json"\n')
        self.lint(".")
        self.write(".loam.toml", '[lint]\nignore = ["Dockerfile"]\n[lint.severity]\nUntaggedBaseImage = "off"\n'
                                 'DeprecatedBuildArg = "error"\n')
        self.assertEqual(self.rules(".", code=1), ["Earthfile:DeprecatedBuildArg"])
        self.write(".loam.toml", "[lint]\nchekcs = []\n")
        self.assertIn("did you mean `checks`?", self.lint(".", code=2).stderr)

    def test_forms(self):
        self.assertIn("::warning file=Dockerfile,line=1", self.lint("--format=github", ".", code=1).stdout)
        self.assertIn('<file name="Dockerfile">', self.lint("--format=checkstyle", ".", code=1).stdout)
        sarif = json.loads(self.lint("--format=sarif", ".", code=1).stdout)
        self.assertEqual(len(sarif["runs"][0]["results"]), 3)
        self.lint("--format=csv", code=2)
        self.assertIn("UnusedImport", self.lint("--rules").stdout)


if __name__ == "__main__":
    main()
