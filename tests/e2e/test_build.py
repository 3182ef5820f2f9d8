"""Real builds: instructions, mounts, failures; outputs into folders."""
from support import LoamCase, main


class Instructions(LoamCase):
    def test_scratch_copy_to_a_folder(self):
        self.write("Dockerfile", "FROM scratch\nCOPY a.txt dir/ /data/\n")
        self.write("a.txt", "A")
        self.write("dir/b.txt", "B")
        self.write("dir/sub/c.txt", "C")
        self.build("-o", "out", ".")
        out = self.work / "out"
        found = {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file()}
        self.assertEqual(found, {"data/a.txt": "A", "data/b.txt": "B", "data/sub/c.txt": "C"})

    def test_stages_environment_user_and_heredoc(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"""# syntax=docker/dockerfile:1
ARG NAME=world
FROM {base} AS one
ARG NAME
ENV GREETING="hello $NAME" OTHER=${{NAME:-nobody}}
WORKDIR /work
RUN echo "$GREETING" > greeting && pwd > where
RUN <<END
set -e
echo first > lines
echo second >> lines
END
FROM {base} AS unused
RUN exit 1
FROM {base} AS two
RUN mkdir /home && chown 1000:1000 /home
USER user
WORKDIR /home
RUN id -u > uid; id -G > groups
FROM scratch
COPY --from=one /work /one
COPY --from=two /home/ /two/
""")
        self.build("--build-arg", "NAME=there", "-o", "out", ".")
        out = self.work / "out"
        self.assertEqual((out / "one/greeting").read_text(), "hello there\n")
        self.assertEqual((out / "one/where").read_text(), "/work\n")
        self.assertEqual((out / "one/lines").read_text(), "first\nsecond\n")
        self.assertEqual((out / "two/uid").read_text(), "1000\n")
        self.assertEqual((out / "two/groups").read_text().split(), ["1000", "2000"])

    def test_copy_options(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"""FROM {base} AS tree
COPY --chown=user:extra --chmod=0640 a.txt /owned
COPY --link *.txt /globs/
COPY link /followed
ADD archive.tar /unpacked/
COPY <<"EOF" /script
keep $THIS
EOF
RUN stat -c '%u:%g %a' /owned > /facts; ls /globs > /list
FROM scratch
COPY --from=tree /facts /list /unpacked /followed /script /
""")
        self.write("a.txt", "A")
        self.write("b.txt", "B")
        (self.work / "link").symlink_to("b.txt")
        self.write("in/x", "X")
        self.run_checked("tar", "-C", self.work / "in", "-cf", self.work / "archive.tar", "x")
        self.build("-o", "out", ".")
        out = self.work / "out"
        self.assertEqual((out / "facts").read_text(), "1000:2000 640\n")
        self.assertEqual((out / "list").read_text(), "a.txt\nb.txt\n")
        self.assertEqual((out / "x").read_text(), "X")
        self.assertEqual((out / "followed").read_text(), "B")
        self.assertEqual((out / "script").read_text(), "keep $THIS\n")

    def test_dockerignore(self):
        self.write("Dockerfile", "FROM scratch\nCOPY . /\n")
        self.write(".dockerignore", "*.log\n!keep.log\nsecret/\n")
        for name in ("a.txt", "b.log", "keep.log", "secret/key"):
            self.write(name, name)
        self.build("-o", "../out", ".")
        names = {str(p.relative_to(self.base / "out")) for p in (self.base / "out").rglob("*") if p.is_file()}
        self.assertEqual(names, {"Dockerfile", ".dockerignore", "a.txt", "keep.log"})

    def test_mounts(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"""FROM {base} AS other
RUN echo from-other > /file
FROM {base} AS tree
RUN --mount=type=bind,from=other,target=/other cp /other/file /bind
RUN --mount=type=bind,target=/ctx cp /ctx/a.txt /context
RUN --mount=type=tmpfs,target=/t touch /t/x
RUN --mount=type=cache,target=/c touch /c/y
RUN --mount=type=secret,id=token cat /run/secrets/token > /secret-file
RUN --mount=type=secret,id=token,env=TOKEN printf %s "$TOKEN" > /secret-env
RUN --network=none ls /sys/class/net > /net
RUN (ls -A /t; ls -A /c; ls -A /run/secrets) > /leftovers 2>/dev/null; true
FROM scratch
COPY --from=tree /bind /context /secret-file /secret-env /net /leftovers /
""")
        self.write("a.txt", "A")
        self.write("token.txt", "s3cret")
        self.build("--secret", "id=token,src=token.txt", "-o", "out", ".")
        read = {p.name: p.read_text() for p in (self.work / "out").iterdir()}
        self.assertEqual(read, {"bind": "from-other\n", "context": "A", "secret-file": "s3cret", "secret-env": "s3cret",
                                "net": "lo\n", "leftovers": ""})

    def test_missing_secret_is_an_error(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN --mount=type=secret,id=token,required=true cat /run/secrets/token\n")
        self.assertIn("token", self.build(".", check=1).err)

    def test_secret_value_is_nowhere_in_the_state(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN --mount=type=secret,id=t cat /run/secrets/t > /dev/null\n")
        self.write("t", "very-s3cret-value")
        self.build("--secret", "id=t,src=t", "-t", "x", ".")
        for path in self.root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(b"very-s3cret-value", path.read_bytes(), path)

    def test_cache_mount_persists(self):
        base = self.import_busybox()
        for i in range(3):
            self.write("Dockerfile", f"FROM {base} AS b\n"
                                     f"RUN --mount=type=cache,target=/c echo {i} >> /c/log && cp /c/log /log\n"
                                     "FROM scratch\nCOPY --from=b /log /\n")
            self.build("-o", "out", ".")
        self.assertEqual((self.work / "out/log").read_text(), "0\n1\n2\n")

    def test_onbuild_and_image_config(self):
        base = self.import_busybox()
        self.write("parent/Dockerfile", f"FROM {base}\nONBUILD COPY x /x\nENV A=1\nCMD [\"cat\", \"/x\"]\n")
        self.build("-t", "parent", "parent")
        self.write("child/Dockerfile", "FROM parent\nLABEL l=v\nEXPOSE 80\n")
        self.write("child/x", "triggered")
        self.build("-t", "child", "child")
        self.assertEqual(self.loam("run", "child", check=0).out, "triggered")

    def test_stdin_dockerfile_and_file_flag(self):
        self.write("a.txt", "A")
        self.write("other.Dockerfile", "FROM scratch\nCOPY a.txt /from-file\n")
        self.build("-f", "other.Dockerfile", "-o", "out", ".")
        self.assertTrue((self.work / "out/from-file").exists())
        self.build("-f", "-", "-o", "out2", ".", stdin=b"FROM scratch\nCOPY a.txt /from-stdin\n")
        self.assertTrue((self.work / "out2/from-stdin").exists())

    def test_target_and_failure_shows_place_and_log(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base} AS good\nRUN echo fine\n\nFROM good AS bad\nRUN echo before-the-end && exit 3\n")
        self.build("--target", "good", ".")
        done = self.build(".", check=1)
        self.assertIn("exit code: 3", done.err)
        self.assertIn("before-the-end", done.err)
        self.assertRegex(done.err, r"Dockerfile:5")
        self.assertRegex(done.err, r"5 \| (>>> )?RUN echo before-the-end")


if __name__ == "__main__":
    main()
