"""The frontend image on Debian's dockerd 20.10: `# syntax=` in Dockerfiles and Earthfiles."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import unittest

import support

sys.path.insert(0, str(support.SOURCE_DIR / "tests/support"))
import base_images  # noqa: E402

FRONTEND = os.environ.get("LOAM_FRONTEND", "loam-frontend")
NAME = "loam-test/frontend:1"
# Debian's client, which goes with its daemon; newer ones build with a plugin.
DOCKER = "/usr/bin/docker"


def docker_archive(path, name, layer, config):
    """`layer`: the bytes of an uncompressed tar."""
    image = {"architecture": "amd64", "os": "linux", "config": config, "created": "1970-01-01T00:00:00Z",
             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
             "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "test"}]}
    with tarfile.open(path, "w") as tar:
        def add(file, data):
            info = tarfile.TarInfo(file)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        add("layer.tar", layer)
        add("config.json", json.dumps(image).encode())
        add("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode())


def frontend_layer(program):
    """The program, with its shared libraries where it is not static (builds for debugging)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        def add(source, name):
            info = tarfile.TarInfo(name)
            data = pathlib.Path(source).read_bytes()
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        add(program, "loam-frontend")
        listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for library in sorted(set(re.findall(r"(/\S+) \(0x", listed))):
            add(os.path.realpath(library), library.lstrip("/"))
    return out.getvalue()


class Frontend(support.LoamCase):

    def setUp(self):
        super().setUp()
        support.need_root()
        support.need_program(DOCKER)
        self.docker = self.start_dockerd() | {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        docker_archive(self.base / "frontend.tar", NAME, frontend_layer(FRONTEND), 
                       {"Entrypoint": ["/loam-frontend"], "Labels": {"moby.buildkit.frontend.network.none": "true"}})
        docker_archive(self.base / "busybox.tar", "busybox:latest", base_images.busybox_rootfs(),
                       {"Env": ["PATH=/bin:/sbin:/usr/bin"], "Cmd": ["sh"]})
        for name in ("frontend", "busybox"):
            self.run_checked(DOCKER, "load", "-i", self.base / f"{name}.tar", env=self.docker)

    def docker_build(self, *args):
        return subprocess.run([DOCKER, "build", "--network=none", *[str(a) for a in args]], cwd=self.work, capture_output=True, text=True,
                              env=os.environ | self.docker)

    def build_well(self, *args):
        done = self.docker_build(*args)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def build_badly(self, *args):
        done = self.docker_build(*args)
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_dockerfiles_and_earthfiles(self):
        with self.subTest("a Dockerfile"):
            self.write("Dockerfile", f"# syntax={NAME}\nFROM busybox AS base\nARG WHO=nobody\nCOPY hello /hello\n"
                       "RUN <<EOF\necho \"$(cat /hello) $WHO\" >/said\nEOF\n"
                       "FROM base\nCOPY --from=base --link /said /out/said\nENTRYPOINT [\"cat\", \"/out/said\"]\n")
            self.write("hello", "good morning")
            self.build_well("-t", "d:1", "--build-arg", "WHO=you", ".")
            out = self.run_checked(DOCKER, "run", "--rm", "--network=none", "d:1", env=self.docker)
            self.assertEqual(out, "good morning you\n")
        with self.subTest("a mistake in it"):
            self.write("Bad", f"# syntax={NAME}\nFROM busybox\nCOPPY a b\n")
            self.assertIn("unknown instruction", self.build_badly("-f", "Bad", ".").lower())

        self.write("Earthfile", f"""# syntax={NAME}
VERSION 0.8
FROM busybox
test:
    COPY hello .
    IF grep -q morning hello
        RUN echo "it is $(cat hello)" >said
    ELSE
        RUN false
    END
    FOR word IN $(cat hello)
        RUN echo "word $word" >>said
    END
    SAVE ARTIFACT said AS LOCAL out/said.txt
image:
    ARG who=nobody
    COPY +test/said /said
    COPY ./lib+part/part /part
    RUN echo "for $who" >>/said
    ENTRYPOINT ["cat", "/said", "/part"]
    SAVE IMAGE e:1
both:
    BUILD +test
    BUILD +image
here:
    LOCALLY
    RUN echo hello
""")
        self.write("lib/Earthfile", "VERSION 0.8\nFROM busybox\npart:\n    COPY file .\n    SAVE ARTIFACT file part\n")
        self.write("lib/file", "a part\n")
        with self.subTest("artifacts of an Earthfile"):
            self.build_well("-f", "Earthfile", "--target", "test", "-o", "type=local,dest=result", ".")
            self.assertEqual((self.work / "result/out/said.txt").read_text(),
                             "it is good morning\nword good\nword morning\n")
        with self.subTest("an image of an Earthfile"):
            self.build_well("-f", "Earthfile", "--build-arg", "LOAM_TARGET=+image", "--build-arg", "who=you", "-t", "e:1", ".")
            out = self.run_checked(DOCKER, "run", "--rm", "--network=none", "e:1", env=self.docker)
            self.assertEqual(out, "it is good morning\nword good\nword morning\nfor you\na part\n")
        with self.subTest("one artifact by its path"):
            self.build_well("-f", "Earthfile", "--build-arg", "LOAM_TARGET=+test/said", "-o", "type=local,dest=one", ".")
            self.assertTrue((self.work / "one/said").exists(), list((self.work / "one").rglob("*")))
        with self.subTest("what cannot work says so by name"):
            self.assertIn("LOCALLY", self.build_badly("-f", "Earthfile", "--target", "here", "."))
            self.assertIn("several outputs", self.build_badly("-f", "Earthfile", "--target", "both", "."))
            self.assertIn("no target", self.build_badly("-f", "Earthfile", "."))
            self.write("Earthfile.try", f"# syntax={NAME}\nVERSION --try 0.8\nFROM busybox\ntest:\n    TRY\n"
                       "        RUN echo bad >report && false\n    FINALLY\n        SAVE ARTIFACT report AS LOCAL report\n    END\n")
            tried = self.build_badly("-f", "Earthfile.try", "--target", "test", ".")
            self.assertIn("TRY cannot bring out /report", tried)
            self.assertIn("exit code: 1", tried)


class Recipe(support.LoamCase):
    def test_both_recipes_make_one_image(self):
        """From frontend/Dockerfile and from frontend/Earthfile: equal digests, whatever the time is."""
        for file in ("frontend/Dockerfile", "frontend/Earthfile"):
            self.write(file, (support.SOURCE_DIR / file).read_text())
        self.write("build/frontend/bin/loam-frontend", "#!/bin/true\n")
        os.utime(self.work / "build/frontend/bin/loam-frontend", (0, 0))
        self.build("-f", "frontend/Dockerfile", "--build-arg", "BINARY_FROM=prebuilt", "--build-arg", "SOURCE_DATE_EPOCH=0",
                   "-t", "by/dockerfile:1", ".")
        self.loam("earthly", "./frontend+image", "--binary_from=prebuilt", check=0)
        listed = {line.split()[0]: line.split()[1] for line in self.loam("image", "ls", check=0).out.splitlines()}
        self.assertEqual(listed["by/dockerfile:1"], listed["loam/frontend:latest"])


if __name__ == "__main__":
    support.main()
