"""loam explain: the plan before it runs. It says what the build then does, and does nothing itself."""
import support


class Explain(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("crun")
        self.import_busybox("box:1")

    def explain(self, *args, check=0):
        return self.loam("explain", *args, check=check)

    def lines(self, done):
        return [line.rstrip() for line in done.out.splitlines()]

    def test_a_dockerfile_before_and_after_its_build(self):
        self.write("Dockerfile", "FROM box:1\nCOPY src /src\nRUN cat /src/a >/b\nARG level=1\nRUN echo $level >/level\n")
        self.write("src/a", "one\n")
        first = self.explain(".")
        self.assertIn("3 to run, 0 cached", first.out)
        self.assertIn("no earlier build has this step", first.out)
        self.assertEqual(self.explain(".").out, first.out)  # nothing was built or kept
        self.build(".")
        self.assertIn("0 to run, 3 cached", self.explain(".").out)
        self.write("src/a", "two\n")
        changed = self.lines(self.explain("."))
        copy = next(i for i, line in enumerate(changed) if "COPY src" in line)
        self.assertTrue(changed[copy].startswith("runs "), changed)
        self.assertEqual(changed[copy + 1].strip(), "the file src/a changed")
        self.assertIn("3 to run, 0 cached", changed)
        self.write("src/a", "one\n")
        argument = self.explain("--build-arg", "level=2", ".")
        self.assertIn("the variable or build argument level changed: `1` → `2`", argument.out)
        self.assertIn("1 to run, 2 cached", argument.out)
        # What was foretold happens.
        done = self.build("--build-arg", "level=2", ".")
        self.assertEqual(done.err.count(" CACHED"), 3, done)  # and the base

    def test_a_target_of_an_earthfile(self):
        self.write("Earthfile", """VERSION 0.8
FROM box:1
lib:
    COPY lib.c .
    RUN cp lib.c /lib.o
    SAVE ARTIFACT /lib.o
app:
    COPY +lib/lib.o .
    RUN cp lib.o /app
    ARG mode=fast
    RUN echo $mode >/mode
    SAVE ARTIFACT /app AS LOCAL out/app
""")
        self.write("lib.c", "one\n")
        first = self.explain("+app")
        self.assertIn("runs    +lib | RUN cp lib.c /lib.o", first.out)
        self.assertFalse((self.work / "out").exists())
        self.loam("build", "+app", check=0)
        self.assertIn(" 0 to run,", " " + self.lines(self.explain("+app"))[-1])
        self.write("lib.c", "two\n")
        changed = self.explain("+app")
        self.assertIn("the file lib.c changed", changed.out)
        self.assertIn("runs    +app | RUN cp lib.o /app", changed.out)
        self.write("lib.c", "one\n")
        argument = self.explain("+app", "--mode=slow")
        self.assertIn("cached  +app | RUN cp lib.o /app", argument.out)
        self.assertIn("the variable or build argument mode changed", argument.out)
        self.assertIn("runs    +app | RUN echo $mode >/mode", argument.out)

    def test_a_plan_ends_where_only_a_step_can_answer(self):
        self.write("Earthfile", """VERSION 0.8
FROM box:1
test:
    COPY input .
    RUN cp input /copied
    IF grep -q yes /copied
        RUN echo yes >/answer
    END
""")
        self.write("input", "yes\n")
        ended = self.explain("+test", check=1)
        self.assertIn("runs    +test | RUN cp input /copied", ended.out)
        self.assertIn("the plan ends there", ended.err)
        self.assertIn("Earthfile:6", ended.err)
        self.loam("build", "+test", check=0)
        self.assertIn("cached  +test | RUN echo yes >/answer", self.explain("+test").out)


if __name__ == "__main__":
    support.main()
