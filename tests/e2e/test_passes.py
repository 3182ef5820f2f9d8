"""The passes of -O1: every Dockerfile here is built with -O0 and with -O1, each in a state root of its own, and gives the
same filesystem (content, modes, owners, times, extended attributes, hard links) and the same image config."""
import json
import os
import re
import tarfile

from support import LoamCase, main


class BothWays(LoamCase):
    def setUp(self):
        super().setUp()
        self.roots = {}
        for level in ("0", "1"):
            self.root = self.base / f"root{level}"
            self.roots[level] = self.root
            self.import_busybox()

    def at(self, level):
        self.root = self.roots[level]
        return f"-O{level}"

    def tree(self, archive):
        """The filesystem and the config of an image archive: path -> facts. The times of directories are left out: writing
        into one sets them to the clock."""
        with tarfile.open(archive) as tar:
            read = lambda name: tar.extractfile(name).read()
            manifest = json.loads(read("manifest.json"))[0]
            config = json.loads(read(manifest["Config"]))
            files = {}
            for layer in manifest["Layers"]:
                with tarfile.open(fileobj=tar.extractfile(layer)) as inner:
                    self.apply(inner, files)
        config.pop("created", None)
        config["rootfs"].pop("diff_ids")
        for entry in config.get("history", []):
            entry.pop("created", None)
            entry.pop("empty_layer", None)  # which steps have a layer of their own is what folding changes
        return files, config

    def apply(self, tar, files):
        for member in tar:
            path = "" if member.name == "." else member.name.removeprefix("./").rstrip("/")
            folder, name = os.path.split(path)
            if name.startswith(".wh."):
                gone = os.path.join(folder, name[4:])
                for known in [p for p in files if p == gone or p.startswith(gone + "/")]:
                    del files[known]
                continue
            xattrs = {k: v for k, v in member.pax_headers.items() if k.startswith("SCHILY.xattr.")}
            facts = {"mode": member.mode, "owner": (member.uid, member.gid), "xattrs": xattrs}
            if member.isdir():
                facts["kind"] = "dir"
            elif member.issym():
                facts |= {"kind": "symlink", "to": member.linkname, "mtime": member.mtime}
            elif member.islnk():
                target = member.linkname.removeprefix("./").lstrip("/")
                facts = files[target]
                facts.setdefault("names", set()).update({target, path})
            else:
                facts |= {"kind": "file", "data": tar.extractfile(member).read() if member.isfile() else None,
                          "mtime": member.mtime}
            files[path] = facts

    def prove(self, dockerfile, passes, *flags, builds=True):
        """Builds both ways and compares; `passes` must have changed something."""
        self.write("ctx/Dockerfile", dockerfile)
        explained = self.loam("compile", self.at("1"), "--explain-passes", "--emit=digests", *flags, "ctx", check=0).err
        for name in passes:
            part = re.search(rf"^{name}: .*\n((?:  .*\n)*)", explained, re.M)
            self.assertIsNotNone(part, explained)
            self.assertRegex(part[1], r"\d+ changes?, ", explained)
        made = {}
        for level in ("0", "1"):
            archive = self.base / f"image{level}.tar"
            self.build(self.at(level), *flags, "-o", f"type=docker,dest={archive}", "ctx")
            made[level] = self.tree(archive)
        self.assertTrue(made["0"][0])
        self.assertEqual(made["0"][0], made["1"][0])
        self.assertEqual(made["0"][1], made["1"][1])
        return made["1"][0]

    def context(self):
        """Files of all kinds, with times in the past."""
        self.write("ctx/package.json", "{}")
        self.write("ctx/package-lock.json", "{1}")
        self.write("ctx/src/main.c", "main", 0o640)
        self.write("ctx/src/run", "#!/bin/sh\n", 0o4755)
        self.write("ctx/src/deep/er/x.c", "x")
        self.write("ctx/src/debug.log", "log")
        self.write("ctx/lib/real/l.c", "l")
        self.write("ctx/other/o.txt", "o")
        self.write("ctx/.dockerignore", "*.log\n**/*.log\nother\n!other/o.txt\nctx\n")
        (self.work / "ctx/empty").mkdir(0o711)
        (self.work / "ctx/link").symlink_to("lib/real")           # leads elsewhere in the context
        (self.work / "ctx/src/up").symlink_to("../lib/real/l.c")  # leaves the directory
        (self.work / "ctx/out").symlink_to("../../../../lib/real/l.c")  # would leave the context
        (self.work / "ctx/abs").symlink_to("/lib/real")
        (self.work / "ctx/glob-a").symlink_to("lib/real/l.c")
        self.write("ctx/glob-b", "b")
        os.link(self.work / "ctx/src/main.c", self.work / "ctx/src/twin.c")
        os.link(self.work / "ctx/src/main.c", self.work / "ctx/lib/twin.c")
        os.setxattr(self.work / "ctx/src/main.c", "user.note", b"n")
        for folder, folders, names in os.walk(self.work / "ctx"):
            for name in [*folders, *names]:
                os.utime(os.path.join(folder, name), (1e9, 1e9), follow_symlinks=False)

    def test_drop_unreachable_and_share_equal(self):
        self.context()
        self.prove("""FROM busybox AS one
RUN echo same > /same && touch -d @100000000 /same
FROM busybox AS two
RUN echo same > /same && touch -d @100000000 /same
FROM busybox AS unused
RUN exit 1
FROM busybox
COPY --from=one /same /one
COPY --from=two /same /two
""", [])

    def test_equal_runs_of_two_stages_run_once(self):
        self.write("ctx/Dockerfile", """FROM busybox AS one
RUN cat /proc/sys/kernel/random/uuid > /id
FROM busybox AS two
RUN cat /proc/sys/kernel/random/uuid > /id
FROM scratch
COPY --from=one /id /one
COPY --from=two /id /two
""")
        for level in ("0", "1"):
            self.build(self.at(level), "-o", f"out{level}", "ctx")
            out = self.work / f"out{level}"
            self.assertEqual((out / "one").read_text(), (out / "two").read_text())

    def test_an_unused_stage_is_never_resolved(self):
        self.write("ctx/Dockerfile", """FROM no.such.registry.invalid/never:1 AS unused
RUN exit 1
FROM alpine AS used
RUN true
""")
        images = {"docker.io/library/alpine:latest": {"digest": "sha256:" + "a" * 64, "config": {
            "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}}}
        self.write("images.json", json.dumps(images))
        for level in ("0", "1"):  # any question for the other image is an error of this host
            self.loam("compile", self.at(level), "--platform=linux/amd64", "--images", "images.json", "ctx", check=0)

    def test_flatten_merges(self):
        self.context()
        self.prove("""FROM busybox
COPY --link package.json /a/
COPY --link src /a/src/
COPY --link lib /a/src/
COPY --link package-lock.json /a/package.json
""", ["flatten-merges"])

    def test_fold_file_ops(self):
        self.context()
        self.prove("""FROM busybox
WORKDIR /app
WORKDIR sub
COPY --chown=user:extra src ./
WORKDIR /app/sub/deep
COPY --from=busybox /etc/passwd /p1
COPY --from=busybox /etc/group /p2
RUN stat -c '%n %u %g %a' /app /app/sub /app/sub/* > /facts && touch -d @100000000 /facts
""", ["fold-file-ops"])

    def test_narrow_contexts(self):
        self.context()
        files = self.prove("""# syntax=docker/dockerfile:1-labs
FROM busybox
COPY package*.json /app/
COPY src/*.c /wild/
COPY src /src
COPY --exclude=*.c src /nosource
COPY --parents src/deep/er/x.c /parents/
COPY --parents ./src/./deep/**/*.c /pivot/
COPY link /followed/
COPY link/l.c /through
COPY out /outside
COPY abs /absolute/
COPY glob-* /globs/
COPY src/up /up
COPY other/o.txt /other
COPY empty /empty
COPY --chown=1000:2000 --chmod=0600 lib/real/l.c /owned
ADD package.json src/main.c /added/
RUN --mount=type=bind,source=src,target=/m cp -a /m/main.c /mounted && ls /m > /listed
RUN --mount=type=bind,source=link,target=/m ls /m >> /listed && touch -d @100000000 /listed
COPY . /all
""", ["narrow-contexts"])
        self.assertEqual(files["through"]["data"], b"l")
        self.assertEqual(files["globs/glob-a"]["data"], b"l")
        self.assertEqual(files["src/twin.c"]["names"], {"src/main.c", "src/twin.c"})
        self.assertNotIn("src/debug.log", files)

    def test_narrow_contexts_without_a_step_that_takes_all(self):
        self.context()
        self.prove("""FROM busybox
COPY package.json /p/
COPY src/*.c /wild/
COPY src/main.c link /m/
COPY empty /empty
""", ["narrow-contexts"])

    def test_a_wildcard_in_an_empty_directory(self):
        self.context()
        self.prove("FROM busybox\nCOPY empty/*.c /none/\nCOPY package.json /\nCOPY . /all\n", ["narrow-contexts"])

    def test_a_change_elsewhere_is_not_seen(self):
        self.context()
        self.write("ctx/Dockerfile", "FROM busybox\nCOPY src /src\nRUN cat /proc/sys/kernel/random/uuid > /id\n"
                                     "COPY . /all\nFROM scratch\nCOPY --from=0 /id /\n")
        self.build(self.at("1"), "-o", "one", "ctx")
        self.write("ctx/lib/new.txt", "new")
        self.build("-O1", "-o", "two", "ctx")
        self.assertEqual((self.work / "one/id").read_text(), (self.work / "two/id").read_text())

    def test_missing_files_are_named_as_well(self):
        self.context()
        for line, said in (("COPY src/man.c /x", "did you mean `src/main.c`"),
                           ("COPY src/debug.log /x", "excluded by line"),
                           ("COPY nowhere/*.c /x", "nowhere")):
            self.write("ctx/Dockerfile", f"FROM busybox\n{line}\nCOPY . /all\n")
            errors = [self.build(self.at(level), "ctx", check=1).err for level in ("0", "1")]
            for error in errors:
                self.assertIn(said, error)
            last = [re.sub(r"\s+", " ", e[e.rindex("error"):]) for e in errors]
            self.assertEqual(last[0], last[1])

    def test_copies_to_merges(self):
        self.context()
        self.prove("""FROM busybox AS one
RUN mkdir /o && echo 1 > /o/f && chmod 0600 /o/f && ln /o/f /o/g && chown 5:6 /o && touch -d @100000000 /o/f
FROM busybox AS two
RUN echo 2 > /t && touch -d @100000000 /t
FROM scratch
COPY --from=one /o /app/one
COPY --from=two /t /app/two
COPY src /usr/src/
COPY --chown=7:8 package.json /home/p
COPY --chmod=0700 link /bin/tool
ENTRYPOINT ["/bin/tool"]
""", ["copies-to-merges"])

    def test_copies_that_depend_on_each_other(self):
        self.context()
        self.prove("""FROM scratch
COPY src /x
COPY package.json /x
COPY --chown=9:9 lib /y/z/
COPY --chown=8:8 package.json /y/w
COPY link /x/deep
COPY package-lock.json /
""", [])

    def test_all_passes_with_an_epoch(self):
        self.context()
        self.prove("""FROM busybox AS build
WORKDIR /w
COPY package.json ./
COPY . .
RUN cat package.json > made && touch -d @100000000 made
FROM scratch
WORKDIR /work
COPY --from=build /w/made /srv/a/made
COPY --from=build /w/src /srv/b/
COPY package.json /etc/p/
""", ["copies-to-merges"], "--build-arg", "SOURCE_DATE_EPOCH=1700000000")


if __name__ == "__main__":
    main()
