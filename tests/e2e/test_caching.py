"""What runs again and what does not; loam why, du and prune; builds at the same time."""
import json
import os
import re

from support import LoamCase, main


def steps_that_ran(done):
    """Names of the RUN steps of a plain progress log that ran rather than came from the cache."""
    names, cached = {}, set()
    for line in done.err.splitlines():
        if match := re.match(r"#(\d+) (\[.*)", line):
            names.setdefault(match[1], match[2])
        elif match := re.match(r"#(\d+) CACHED", line):
            cached.add(match[1])
    return {name for number, name in names.items() if number not in cached and " RUN " in name}


class Caching(LoamCase):
    def dockerfile(self, base):
        self.write("Dockerfile", f"""FROM {base} AS a
COPY a.txt /
RUN cat /a.txt > /ra
FROM {base} AS b
COPY b.txt /
RUN cat /b.txt > /rb
FROM scratch
COPY --from=a /ra /
COPY --from=b /rb /
""")
        self.write("a.txt", "A")
        self.write("b.txt", "B")

    def test_second_build_is_all_cached(self):
        self.dockerfile(self.import_busybox())
        self.assertEqual(len(steps_that_ran(self.build("-o", "out", "."))), 2)
        self.assertEqual(steps_that_ran(self.build("-o", "out", ".")), set())

    def test_one_changed_file_runs_only_what_depends_on_it(self):
        self.dockerfile(self.import_busybox())
        self.build("-o", "out", ".")
        self.write("b.txt", "B2")
        ran = steps_that_ran(self.build("-o", "out", "."))
        self.assertEqual(len(ran), 1, ran)
        self.assertIn("/b.txt", ran.pop())
        self.assertEqual((self.work / "out/rb").read_text(), "B2")

    def test_touch_runs_nothing(self):
        self.dockerfile(self.import_busybox())
        self.build("-o", "out", ".")
        os.utime(self.work / "a.txt", (1, 1))
        (self.work / "b.txt").write_text("B")
        self.assertEqual(steps_that_ran(self.build("-o", "out", ".")), set())

    def test_back_to_an_earlier_state_is_cached(self):
        self.dockerfile(self.import_busybox())
        self.build(".")
        self.write("a.txt", "A2")
        self.build(".")
        self.write("a.txt", "A")
        self.assertEqual(steps_that_ran(self.build(".")), set())

    def test_quick_edits_of_the_same_size_are_seen(self):
        self.dockerfile(self.import_busybox())
        for text in "123456":
            self.write("a.txt", text)
            self.build("-o", "out", ".")
            self.assertEqual((self.work / "out/ra").read_text(), text)

    def test_no_cache_and_build_arg(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nARG X=1\nRUN echo $X\n")
        self.build(".")
        self.assertEqual(len(steps_that_ran(self.build("--no-cache", "."))), 1)
        self.assertEqual(len(steps_that_ran(self.build("--build-arg", "X=2", "."))), 1)
        self.assertEqual(steps_that_ran(self.build("--build-arg", "X=2", ".")), set())

    def test_why(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nARG MODE=debug\nCOPY src /src\nRUN cat /src/* > /all\nRUN echo $MODE\n")
        self.write("src/one.c", "1")
        self.write("src/two.c", "2")
        self.build(".")
        self.write("src/two.c", "22")
        self.build(".")
        why = self.loam("why", check=0)
        self.assertIn("src/two.c", why.out)
        self.assertNotIn("src/one.c", why.out)
        self.assertIn("src/two.c", self.loam("why", "RUN cat", check=0).out)
        self.build("--build-arg", "MODE=release", ".")
        why = self.loam("why", "RUN echo", check=0)
        self.assertIn("MODE", why.out)
        self.assertIn("release", why.out)
        self.build("--build-arg", "MODE=release", ".")
        self.assertIn("cache", self.loam("why", check=0).out)

    def test_why_names_a_changed_base_image(self):
        self.import_busybox("base:1")
        self.write("new/Dockerfile", "FROM base:1\nRUN echo newer > /newer\n")
        self.write("Dockerfile", "FROM base:1\nRUN ls / > /ls\n")
        self.build(".")
        self.build("-t", "base:1", "new")
        self.build(".")
        self.assertIn("base:1", self.loam("why", "RUN ls", check=0).out)

    def test_du_and_prune(self):
        self.dockerfile(self.import_busybox())
        self.build("-t", "kept", ".")
        self.assertIn("layer", self.loam("du", check=0).out)
        self.write("small", "x" * 5000)
        self.build("-f", "-", ".", stdin=b"FROM scratch\nCOPY small /\n")
        self.assertIn("`loam prune --all` removes them too", self.loam("prune", check=0).err)
        self.assertEqual(self.loam("prune", "--all", check=0).err, "")
        self.assertEqual(len(steps_that_ran(self.build("."))), 2, "nothing of the cache is left")
        self.assertIn("kept", self.loam("image", "ls", check=0).out)


class Parallel(LoamCase):
    def test_processes_share_one_root(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base} AS b\nRUN sleep 1; echo ok > /ok\nFROM scratch\nCOPY --from=b /ok /\n")
        processes = [self.start("build", "--progress=plain", "-o", f"out{i}", ".") for i in range(3)]
        for i, process in enumerate(processes):
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err.decode())
            self.assertEqual((self.work / f"out{i}/ok").read_text(), "ok\n")

    def test_independent_stages_run_at_once(self):
        base = self.import_busybox()
        stages = "".join(f"FROM {base} AS s{i}\nRUN sleep 1 && echo {i} > /f\n" for i in range(4))
        copies = "".join(f"COPY --from=s{i} /f /f{i}\n" for i in range(4))
        self.write("Dockerfile", stages + "FROM scratch\n" + copies)
        done = self.loam("build", "--progress=rawjson", ".", check=0)
        started, completed = {}, {}
        for line in done.err.splitlines():
            for vertex in json.loads(line).get("vertexes", []):
                if "RUN sleep" in vertex["name"] and vertex.get("started"):
                    started[vertex["name"]] = vertex["started"]
                    if vertex.get("completed"):
                        completed[vertex["name"]] = vertex["completed"]
        self.assertEqual(len(completed), 4)
        self.assertLess(max(started.values()), min(completed.values()), "all began before the first ended")


if __name__ == "__main__":
    main()
