"""loam graph, loam build --call and loam compile --emit=dockerfile."""
import json
import xml.etree.ElementTree as xml

from support import LoamCase, main

FILE = """FROM scratch AS files
COPY a /a
FROM scratch AS result
ADD https://example.com/x /x
COPY --from=files /a /b
"""


class Graph(LoamCase):
    def test_every_format_without_a_registry(self):
        self.write("Dockerfile", FILE + "FROM registry.invalid/none:1\nCOPY --from=result /b /c\n")
        for level in ("0", "1"):
            svg = xml.fromstring(self.loam("graph", "-O" + level, ".", check=0).out)
            self.assertTrue(svg.tag.endswith("svg"))
            texts = ["".join(node.itertext()) for node in svg.iter() if node.tag.endswith("text")]
            self.assertIn("build context", texts)
            self.assertTrue(any(text.endswith("FROM registry.invalid/none:1") for text in texts), texts)
            self.assertIn("files", texts)
        self.assertTrue(self.loam("graph", "--format=dot", ".", check=0).out.startswith("digraph build {"))
        self.loam("graph", "-o", "x.mmd", ".", check=0)
        self.assertTrue((self.work / "x.mmd").read_text().startswith("flowchart LR"))
        self.assertIn("expected svg, dot or mermaid", self.loam("graph", "--format=png", ".", check=2).err)

    def test_times_of_the_last_build(self):
        self.write("a", "1")
        self.write("Dockerfile", "FROM scratch AS one\nCOPY a /a\nFROM scratch\nCOPY --from=one /a /b\n")
        self.assertIn("no build of this directory", self.loam("graph", "--timing", ".", check=1).err)
        self.loam("build", ".", check=0)
        self.assertRegex(self.loam("graph", "--timing", "--format=dot", ".", check=0).out, r"last build: \d+ms, 0 of \d+ steps cached")
        self.loam("build", ".", check=0)
        dot = self.loam("graph", "--timing", "--format=dot", ".", check=0).out
        self.assertRegex(dot, r"COPY --from=one /a /b\\lcached\\l")

    def test_mistakes_are_shown(self):
        self.write("Dockerfile", "FROM scratch\nCOPPY a b\n")
        self.assertIn("did you mean `COPY`", self.loam("graph", ".", check=1).err)


class Call(LoamCase):
    def test_outline(self):
        self.write("Dockerfile", "FROM scratch AS x\n# A is first\nARG A=1\nRUN --mount=type=secret,id=s,required x\n")
        text = self.loam("build", "--call=outline", "--build-arg=A=2", ".", check=0).out
        self.assertEqual(text, "TARGET: x\n\nBUILD ARG   VALUE   DESCRIPTION\nA           2       is first\n\n"
                               "SECRET   REQUIRED\ns        true\n\n")
        outline = json.loads(self.loam("build", "--call=outline,format=json", ".", check=0).out)
        self.assertEqual(outline["args"][0]["location"]["ranges"][0]["start"]["line"], 3)

    def test_describe(self):
        self.write("Dockerfile", "FROM scratch\n")
        answer = self.loam("build", "--call=subrequests.describe,format=json", ".", check=0).out
        names = [row["name"] for row in json.loads(answer)]
        self.assertEqual(names, ["frontend.outline", "frontend.targets", "frontend.subrequests.describe"])


class PrintBack(LoamCase):
    def test_pinned_file_builds_the_same(self):
        self.write("a", "1")
        self.write("Dockerfile", "FROM scratch\nCOPY a /a\n")
        self.loam("build", "-t", "base:1", ".", check=0)
        self.write("Dockerfile", "# a comment\nfrom base:1 as b\nenv  KEY a value\nfrom scratch\ncopy --from=base:1 /a \\\n # no\n  /b\n"
                                 "copy --from=b /a /c\n")
        before = self.loam("compile", "-O0", "--emit=digests", ".", check=0).out
        text = self.loam("compile", "--emit=dockerfile", "--pin", ".", check=0).out
        self.assertRegex(text, r"^FROM base:1@sha256:[0-9a-f]{64} AS b\nENV KEY=a\\ value\n\nFROM scratch\n"
                               r"COPY --from=base:1@sha256:[0-9a-f]{64} /a \\\n  /b\nCOPY --from=b /a /c\n$")
        self.write("Dockerfile", text)
        self.assertEqual(self.loam("compile", "-O0", "--emit=digests", ".", check=0).out, before)
        self.assertEqual(self.loam("compile", "--emit=dockerfile", "--pin", ".", check=0).out, text)
        self.assertIn("`--pin` is for", self.loam("compile", "--pin", ".", check=2).err)


if __name__ == "__main__":
    main()
