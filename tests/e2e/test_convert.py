"""loam convert: a Dockerfile and the Earthfile that it becomes build the same files and the same image config, and so do a
target and the Dockerfile that it becomes."""
import json
import subprocess
import tarfile

import support

# What Earthfiles add to an image's config.
OUR_LABELS = ("dev.earthly.",)


def listing(path, times=()):
    """What a filesystem holds: every entry's type, mode, owner, and content; the time of files named in `times`."""
    entries = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = "/" + member.name.strip("./")
            content = archive.extractfile(member).read() if member.isreg() else member.linkname
            when = int(member.mtime) if name in times else None
            entries[name] = (member.type, member.mode, member.uid, member.gid, content, when)
    return entries


class Convert(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("crun")
        self.import_busybox("box:1")

    def run_loam(self, *arguments, check=0):
        done = subprocess.run([support.LOAM, *map(str, arguments)], cwd=self.work, capture_output=True, text=True, timeout=300,
                              env=self.environment(LOAM_ROOT=str(self.root)), stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, check, f"{done.stdout}\n{done.stderr}")
        return done

    def exported(self, name):
        """Files and config of an image."""
        rootfs = self.base / f"{name}.tar"
        self.write("export/Dockerfile", f"FROM {name}\n")
        self.run_loam("build", "-o", f"type=tar,dest={rootfs}", "export")
        oci = self.base / f"{name}-oci.tar"
        self.run_loam("build", "-o", f"type=oci,dest={oci}", "export")
        with tarfile.open(oci) as archive:
            def load(member):
                return json.load(archive.extractfile(member))

            def blob(descriptor):
                return load("blobs/" + descriptor["digest"].replace(":", "/"))
            manifest = blob(load("index.json")["manifests"][0])
            while "config" not in manifest:
                manifest = blob(manifest["manifests"][0])
            config = blob(manifest["config"])
        values = config["config"]
        labels = {k: v for k, v in (values.get("Labels") or {}).items() if not k.startswith(OUR_LABELS)}
        values["Labels"] = labels or None
        # Neither the order of variables nor what only Windows asks for is part of what an image does.
        values["Env"] = sorted(values.get("Env") or [])
        values.pop("ArgsEscaped", None)
        return rootfs, {k: v for k, v in values.items() if v}

    def assert_same(self, one, other, times=()):
        (files, config), (other_files, other_config) = self.exported(one), self.exported(other)
        self.assertEqual(config, other_config)
        self.assertEqual(listing(files, times), listing(other_files, times))

    def to_earthfile(self, dockerfile, kept=0, times=()):
        self.write("Dockerfile", dockerfile)
        (self.work / "Earthfile").unlink(missing_ok=True)
        self.run_loam("build", "-t", "ours:docker", "-f", "Dockerfile", ".")
        done = self.run_loam("convert", "-t", "ours:earth", "-o", "Earthfile")
        self.assertIn(f"{kept} built by FROM DOCKERFILE", done.stderr)
        self.run_loam("+image")
        self.assert_same("ours:docker", "ours:earth", times)
        return (self.work / "Earthfile").read_text()

    def test_stages_files_and_config(self):
        self.write("src/a", "a\n")
        self.write("src/sub/b", "b\n")
        self.write("c++/x", "x\n")
        (self.work / "src/a").chmod(0o640)
        (self.work / "src/link").symlink_to("a")
        text = self.to_earthfile(r'''
ARG BASE=box
FROM ${BASE}:1 AS build
ARG MODE=fast
ENV OUT=/out LEVEL="2 x"
WORKDIR /src
COPY src ./
COPY src/a src/sub /many/
RUN mkdir -p $OUT/lib && \
    # three files
    echo "$MODE  $LEVEL" >$OUT/app && \
    echo 1 >$OUT/lib/one.so && echo 2 >$OUT/lib/two.so
FROM box:1
RUN adduser -D app 2>/dev/null || echo 'app:x:1000:1000::/:/bin/sh' >>/etc/passwd
COPY --from=build --chown=1000:1000 /out/app /usr/bin/app
COPY --from=build --chmod=0700 /out/lib/*.so /lib/
COPY --from=build /many /many
COPY c++/x /plus
USER app
COPY src/a /mine
WORKDIR /w/deep
RUN id -u >/tmp/id
LABEL who="some one" version=1
EXPOSE 80 53/udp
VOLUME /data
HEALTHCHECK --interval=7s CMD test -f "/x"
ENTRYPOINT ["/usr/bin/app"]
CMD echo $HOME "a  b"
''', times=("/mine", "/plus", "/many/a", "/many/b"))
        self.assertNotIn("FROM DOCKERFILE", text)

    def test_stages_that_stay_dockerfiles(self):
        self.write("f", "1\n")
        text = self.to_earthfile('''
ARG V=1
FROM box:1 AS first
ARG V
ADD f /added
RUN <<EOF
echo $V >/heredoc
EOF
FROM first AS second
RUN cat /heredoc >/copy
FROM box:1
COPY --from=second /copy /heredoc /
STOPSIGNAL SIGINT
''', kept=2)
        self.assertIn("FROM DOCKERFILE", text)

    def test_args_are_overridden_as_before(self):
        self.write("Dockerfile", "ARG V=1\nFROM box:$V\nARG V\nARG W=w\nRUN echo $V $W >/v\n")
        self.run_loam("build", "-t", "ours:docker", "--build-arg", "W=x", ".")
        self.run_loam("convert", "-t", "ours:earth", "-o", "Earthfile")
        self.run_loam("+image", "--W=x")
        self.assert_same("ours:docker", "ours:earth")

    def test_a_target_as_a_dockerfile(self):
        self.write("src/a", "a\n")
        self.write("Earthfile", '''VERSION 0.8
ARG --global TAG=1
FROM box:$TAG
WORKDIR /src
PREPARE:
    FUNCTION
    ARG what=nothing
    RUN echo $what >/prepared
build:
    DO +PREPARE --what=all
    COPY --keep-ts --dir src ./
    RUN echo "$TAG" >out && cat src/a >>out
    SAVE ARTIFACT out bin/app
    RUN rm out
image:
    ARG name=app
    COPY --keep-ts +build/bin/app /usr/bin/$name
    USER 1000
    COPY --keep-ts src/a /mine
    ENV NAME=$name-$TAG
    LABEL l="v w"
    CMD run it
    SAVE IMAGE ours:earth
''')
        self.run_loam("+image")
        (self.work / "docker").mkdir()
        self.run_loam("convert", "-o", "docker/Dockerfile", "+image")
        self.run_loam("build", "-t", "ours:docker", "-f", "docker/Dockerfile", ".")
        self.assert_same("ours:earth", "ours:docker", times=("/mine",))

    def test_what_cannot_be_converted_fails(self):
        self.write("Earthfile", "VERSION 0.8\nt:\n    FROM box:1\n    IF true\n        RUN x\n    END\n")
        refused = self.run_loam("convert", "+t", check=1)
        self.assertIn("`IF` cannot be converted", refused.stderr)
        self.write("Dockerfile", "FROM box:1\n")
        self.assertIn("there already", self.run_loam("convert", "-o", "Earthfile", check=1).stderr)

    def test_docker2earthly(self):
        self.write("D", "FROM box:1\nRUN true\n")
        self.run_loam("earthly", "docker2earthly", "--dockerfile", "D", "--tag", "x:1")
        self.assertEqual((self.work / "Earthfile").read_text(),
                         "VERSION 0.8\n\nimage:\n    FROM box:1\n    RUN true\n    SAVE IMAGE x:1\n")


if __name__ == "__main__":
    support.main()
