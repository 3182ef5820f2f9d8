"""loam build --check: hadolint's rules, ShellCheck, the three forms, and --fix."""
import json
import os
import shutil
import stat
import unittest

from support import LoamCase, main

MESSY = ("FROM scratch as Base\n"
         "run echo hi\n"
         "ENV one 1 and 2\n"
         "LABEL a b\n"
         "EXPOSE 80/TCP\n"
         "MAINTAINER me@example.org\n"
         "RUN apk add x=1\n"
         "CMD serve it\n")


class Checks(LoamCase):
    def read(self, path):
        return (self.work / path).read_bytes().decode()

    def check(self, *args, code, **more):
        return self.loam("build", "--check", *args, ".", check=code, **more)

    def rules(self, *args, code=1):
        found = json.loads(self.check("--format=json", *args, code=code).out)["warnings"] or []
        return [(warning["ruleName"], warning["location"]["ranges"][0]["start"]["line"]) for warning in found]

    def test_hadolint_is_off_unless_asked_for(self):
        self.write("Dockerfile", "FROM scratch\nRUN sudo x | y\n# hadolint ignore=DL3004\nRUN sudo z && y\nWORKDIR x\n")
        self.assertEqual(self.rules(), [("WorkdirRelativePath", 5)])
        self.assertEqual(self.rules("--lint=hadolint"),
                         [("WorkdirRelativePath", 5), ("DL3004", 2), ("DL4006", 2), ("DL3000", 5)])
        self.assertEqual(self.rules("--lint=DL3004"), [("WorkdirRelativePath", 5), ("DL3004", 2)])
        self.assertIn(("DL3057", 1), self.rules("--lint=hadolint", "--lint=DL3057"))
        text = self.check("--lint=DL3004", code=1).out
        self.assertIn("WARNING: DL3004 - https://github.com/hadolint/hadolint/wiki/DL3004\n", text)

    def test_settings_of_hadolint(self):
        self.write("Dockerfile", "FROM scratch\nLABEL owner=me more=1\nCOPY --from=other.example/x:1 /a /b\n")
        found = self.check("--lint=hadolint", "--trusted-registry=docker.io", "--require-label=owner:email",
                           "--strict-labels", "--format=json", code=1).out
        rules = [warning["ruleName"] for warning in json.loads(found)["warnings"]]
        self.assertEqual(rules, ["DL3050", "DL3058", "DL3026"])

    def test_flags_that_do_not_fit(self):
        self.write("Dockerfile", "FROM scratch\nCOPY a /\n")
        for flags in (["--lint=hadolnt"], ["--format=xml"], ["--fix=wildly"], ["--dry-run"], ["--strict-labels"]):
            self.assertIn("error:", self.loam("build", "--check", *flags, ".", check=2).err, flags)
        self.assertIn("add `--check`", self.loam("build", "--fix", ".", check=2).err)

    def test_sarif(self):
        self.write("Dockerfile", MESSY)
        sarif = json.loads(self.check("--format=sarif", "--lint=hadolint", code=1).out)
        self.assertEqual(sarif["version"], "2.1.0")
        run = sarif["runs"][0]
        ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        self.assertIn("FromAsCasing", ids)
        self.assertIn("DL3019", ids)
        for result in run["results"]:
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])
        casing = next(result for result in run["results"] if result["ruleId"] == "FromAsCasing")
        edit = casing["fixes"][0]["artifactChanges"][0]["replacements"][0]
        self.assertEqual(edit["deletedRegion"], {"startLine": 1, "startColumn": 14, "endLine": 1, "endColumn": 16})
        self.assertEqual(edit["insertedContent"]["text"], "AS")

    def test_fix_proves_and_converges(self):
        self.write("Dockerfile", MESSY)
        digests = self.loam("compile", "--emit=digests", "-O0", ".", check=0).out
        config = self.loam("compile", "--emit=image-config", ".", check=0).out
        done = self.check("--fix", "--dry-run", code=0)
        self.assertIn("\n-run echo hi\n", done.out)
        self.assertIn("\n+RUN echo hi\n", done.out)
        self.assertEqual(self.read("Dockerfile"), MESSY)
        done = self.check("--fix", code=1)
        fixed = self.read("Dockerfile")
        self.assertEqual(fixed, MESSY.replace("as Base", "AS base").replace("run echo", "RUN echo")
                         .replace("one 1 and 2", 'one="1 and 2"').replace("LABEL a b", "LABEL a=b")
                         .replace("80/TCP", "80/tcp"))
        self.assertEqual(self.loam("compile", "--emit=digests", "-O0", ".", check=0).out, digests)
        self.assertEqual(self.loam("compile", "--emit=image-config", ".", check=0).out, config)
        self.assertIn("author is gone", done.err)
        self.check("--fix", code=1)
        self.assertEqual(self.read("Dockerfile"), fixed)

    def test_unsafe_fixes_say_what_they_change(self):
        self.write("Dockerfile", MESSY)
        done = self.check("--lint=hadolint", "--fix=unsafe", code=0)
        fixed = self.read("Dockerfile")
        self.assertIn('LABEL org.opencontainers.image.authors="me@example.org"\n', fixed)
        self.assertIn("RUN apk add --no-cache x=1\n", fixed)
        self.assertIn('CMD ["serve", "it"]\n', fixed)
        self.assertIn("config.Cmd", done.err)
        self.check("--lint=hadolint", "--fix=unsafe", code=0)
        self.assertEqual(self.read("Dockerfile"), fixed)

    def test_fix_writes_through_links_and_keeps_the_mode(self):
        self.write("real/file", MESSY)
        os.chmod(self.work / "real/file", 0o640)
        os.symlink("real/file", self.work / "Dockerfile")
        self.check("--fix", code=1)
        self.assertTrue((self.work / "Dockerfile").is_symlink())
        self.assertIn("AS base", self.read("real/file"))
        self.assertEqual(stat.S_IMODE(os.stat(self.work / "real/file").st_mode), 0o640)

    def test_fix_leaves_a_broken_file(self):
        self.write("Dockerfile", "FROM scratch as x\nCOPY a\n")
        self.assertIn("does not compile", self.check("--fix", code=1).err)
        self.assertEqual(self.read("Dockerfile"), "FROM scratch as x\nCOPY a\n")

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shellcheck(self):
        self.write("Dockerfile", "FROM scratch\nRUN echo ok && \\\n  # a comment\n  echo $unquoted\n")
        rules = self.rules("--lint=shellcheck")
        self.assertIn(("SC2086", 4), rules)
        self.check("--lint=shellcheck", "--fix=unsafe", code=1)
        self.assertIn('  echo "$unquoted"\n', self.read("Dockerfile"))


if __name__ == "__main__":
    main()
