"""Earthfiles on a remote engine: compiled here, LOCALLY and outputs here, steps there. The engine is loamd, or a buildkitd that
LOAM_TEST_BUILDKITD names."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import support
import test_interactive

sys.path.insert(0, str(support.SOURCE_DIR / "tests/support"))
import base_images  # noqa: E402


class RemoteEarthfile(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("crun")
        support.need_program("docker-registry")
        daemon = os.environ.get("LOAM_TEST_BUILDKITD") or pathlib.Path(support.LOAM).parent / "loamd"
        support.need(pathlib.Path(daemon).exists(), f"needs {daemon}")
        self.registry = self.enterContext(base_images.Registry())
        self.registry.push("box", ["1"], base_images.busybox_rootfs())
        self.registry.push_busybox("latest")
        self.box = f"{self.registry.host}/box:1"
        self.socket = self.base / "engine.sock"
        config = self.base / "engine.toml"
        config.write_text(f'[registry."{self.registry.host}"]\nhttp = true\n'
                          f'[registry."docker.io"]\nmirrors = ["{self.registry.host}"]\n')
        log = open(self.base / "engine.log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([daemon, "--root", str(self.root), "--addr", f"unix://{self.socket}", "--config", config,
                                    "--allow-insecure-entitlement", "security.insecure"],
                                   stdout=log, stderr=log, env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        support.wait_for(self.socket.exists, "the engine listening")

    def earth(self, *args, check=0, verb=("build", "--progress=plain"), env=None):
        done = subprocess.run([support.LOAM, *verb, *map(str, args)], cwd=self.work, capture_output=True, text=True,
                              timeout=300, stdin=subprocess.DEVNULL,
                              env=self.environment(LOAM_ROOT=str(self.base / "here")) |
                              {"BUILDKIT_HOST": f"unix://{self.socket}"} | (env or {}))
        self.assertEqual(done.returncode, check, f"{done.stdout}\n{done.stderr}")
        return done

    def read(self, path):
        return (self.work / path).read_text()

    def test_outputs_and_what_only_the_engine_knows(self):
        self.write("file", "from the context\n")
        self.write("lib/Earthfile", f"VERSION 0.8\nFROM {self.box}\nSAY:\n    FUNCTION\n    ARG what\n"
                                    "    RUN echo \"said $what\" > /said\n")
        self.write("Earthfile", f"""VERSION 0.8
IMPORT ./lib AS lib
FROM {self.box}
WORKDIR /w
ARG --global NAME=world
all:
    BUILD +files
    BUILD +one --LEVEL=1 --LEVEL=2
    WAIT
        BUILD +waited
    END
files:
    COPY file .
    IF grep -q context file
        RUN echo yes > answer
    ELSE
        RUN echo no > answer
    END
    RUN mkdir d && touch d/empty
    FOR part IN $(echo a b)
        RUN echo $part > d/$part
    END
    LET made = $(cat d/a d/b | tr -d '\\n')
    DO lib+SAY --what="$NAME $made"
    RUN --secret TOKEN test "$TOKEN" = sesame
    SAVE ARTIFACT answer AS LOCAL out/answer
    SAVE ARTIFACT d AS LOCAL out/d
    SAVE ARTIFACT d/* AS LOCAL out/each/
    SAVE ARTIFACT /said
one:
    ARG LEVEL
    RUN echo $LEVEL > /level
    ENTRYPOINT ["cat", "/level"]
    SAVE IMAGE one:$LEVEL
waited:
    COPY +files/said .
    SAVE ARTIFACT said AS LOCAL waited
""")
        done = self.earth("--secret", "TOKEN=sesame", "+all", "--NAME=moon")
        self.assertEqual((self.read("out/answer"), self.read("waited")), ("yes\n", "said moon ab\n"), done)
        self.assertEqual(sorted(p.name for p in (self.work / "out/d").iterdir()), ["a", "b", "empty"])
        self.assertEqual(sorted(p.name for p in (self.work / "out/each").iterdir()), ["a", "b", "empty"])
        for line in ("Image +one output as one:1", "Image +one output as one:2", "Artifact +files/answer output as out/answer",
                     "SUCCESS +all"):
            self.assertIn(line, done.stderr)
        self.assertRegex(done.stderr, r"\+files \| .*RUN mkdir d")
        here = str(self.base / "here")
        self.assertEqual(subprocess.run([support.LOAM, "run", "--root", here, "one:2"], capture_output=True, text=True,
                                        env=self.environment()).stdout, "2\n")
        again = self.earth("--secret", "TOKEN=sesame", "+all", "--NAME=moon")
        self.assertIn("*cached*", again.stderr)
        self.earth("--artifact", "+files/said", "taken", "--secret=TOKEN=sesame", check=1)  # flags precede the reference
        self.earth("--secret=TOKEN=sesame", "--artifact", "+files/said", "taken")
        self.assertEqual(self.read("taken"), "said world ab\n")

    def test_locally_is_here(self):
        self.write("Earthfile", f"""VERSION 0.8
here:
    LOCALLY
    IF test -f Earthfile
        RUN pwd > place; echo from here > note
    END
    COPY +there/made ./copied
    SAVE ARTIFACT note
there:
    FROM {self.box}
    RUN echo from there > made
    SAVE ARTIFACT made
both:
    FROM {self.box}
    COPY +here/note .
    RUN cat note > both && echo more >> both
    SAVE ARTIFACT both AS LOCAL both
""")
        done = self.earth("+both")
        self.assertEqual(self.read("place").strip(), os.path.realpath(self.work), done)
        self.assertEqual((self.read("copied"), self.read("both")), ("from there\n", "from here\nmore\n"))

    def test_push_one_name_for_several_platforms(self):
        self.write("file", "contents\n")
        self.write("Earthfile", """VERSION 0.8
image:
    FROM --platform=linux/amd64 scratch
    COPY file /
    SAVE IMAGE --push REGISTRY/app:1
all:
    BUILD --platform=linux/amd64 --platform=linux/arm64 +any
any:
    FROM scratch
    COPY file /
    SAVE IMAGE --push REGISTRY/many:1
""".replace("REGISTRY", self.registry.host))
        self.earth("+image")
        self.assertNotEqual(subprocess.run(["skopeo", "inspect", "--tls-verify=false", "--raw",
                                            f"docker://{self.registry.host}/app:1"], capture_output=True).returncode, 0)
        self.earth("--push", "+image")
        self.earth("--push", "+all")
        raw = self.run_checked("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{self.registry.host}/many:1")
        platforms = {m["platform"]["architecture"] for m in json.loads(raw)["manifests"]} - {"unknown"}
        self.assertEqual(platforms, {"amd64", "arm64"})
        self.assertEqual(json.loads(self.run_checked("skopeo", "inspect", "--tls-verify=false",
                                                     f"docker://{self.registry.host}/app:1"))["Architecture"], "amd64")

    def test_each_platform_on_its_engine(self):
        """Two engines: an image of theirs that both call `who` says which one ran a step."""
        if os.environ.get("LOAM_TEST_BUILDKITD"):
            self.skipTest("its workers have the platforms of the machine")
        other_registry = self.enterContext(base_images.Registry())
        for registry, name in ((self.registry, "first"), (other_registry, "other")):
            registry.push("library/who", ["1"], base_images.rootfs({"who": (0o644, name.encode())}))
        config = self.base / "other.toml"
        config.write_text(f'[registry."docker.io"]\nmirrors = ["{other_registry.host}"]\n'
                          f'[registry."{other_registry.host}"]\nhttp = true\n[registry."{self.registry.host}"]\nhttp = true\n')
        listening = self.base / "other.sock"
        log = open(self.base / "other.log", "wb")
        self.addCleanup(log.close)
        other = subprocess.Popen([pathlib.Path(support.LOAM).parent / "loamd", "--root", self.base / "other-root", "--addr",
                                  f"unix://{listening}", "--config", config, "--oci-worker-platform", "linux/arm64"],
                                 stdout=log, stderr=log, env=self.environment())
        self.addCleanup(other.wait)
        self.addCleanup(other.terminate)
        support.wait_for(listening.exists, "the other engine listening")
        engines = (f"--engine=unix://{self.socket}", f"--engine=unix://{listening}")
        self.write("file", "of the context\n")
        self.write("Earthfile", """VERSION 0.8
all:
    BUILD --platform=linux/amd64 --platform=linux/arm64 +one
one:
    ARG TARGETARCH
    FROM who:1
    COPY file /file
    LET said = $(cat /who)
    IF [ "$(cat /who)" = other ]
        RUN echo "a condition of $said" >/condition
    ELSE
        RUN echo "an alternative of $said" >/condition
    END
    RUN cat /who /file /condition >/report
    SAVE ARTIFACT /report AS LOCAL out/$TARGETARCH
    SAVE IMAGE --push REGISTRY/many:1
mixed:
    FROM --platform=linux/amd64 who:1
    COPY --platform=linux/arm64 +made/x /x
    RUN true
made:
    FROM who:1
    RUN echo x >/x
    SAVE ARTIFACT /x
far:
    FROM --platform=linux/mips who:1
    RUN true
""".replace("REGISTRY", self.registry.host))
        self.earth(*engines, "--push", "+all")
        self.assertEqual(self.read("out/amd64"), "firstof the context\nan alternative of first\n")
        self.assertEqual(self.read("out/arm64"), "otherof the context\na condition of other\n")
        for arch, who in (("amd64", "first"), ("arm64", "other")):
            folder = self.base / arch
            self.run_checked("skopeo", "copy", "--src-tls-verify=false", "--override-arch", arch,
                             f"docker://{self.registry.host}/many:1", f"dir:{folder}")
            layers = json.loads((folder / "manifest.json").read_text())["layers"]
            with tarfile.open(folder / layers[0]["digest"].split(":")[1]) as tar:
                self.assertEqual(tar.extractfile("who").read().decode(), who)
        self.earth(*engines, "--platform=linux/arm64", "--artifact", "+made/x", "x")
        self.assertEqual(self.read("x"), "x\n")
        self.assertIn("none of the engines builds linux/amd64 and linux/arm64, of which one result is made up",
                      self.earth(*engines, "+mixed", check=1).stderr)
        self.assertIn("none of the engines builds linux/mips", self.earth(*engines, "+far", check=1).stderr)

    def test_failures_have_their_place(self):
        self.write("Earthfile", f"""VERSION 0.8
FROM {self.box}
fails:
    RUN echo before; exit 7
mistake:
    BUILD +nothing
asks:
    RUN --interactive sh
privileged:
    RUN --privileged test -w /proc/sys/kernel/panic && touch /done
    SAVE ARTIFACT /done AS LOCAL done
""")
        failed = self.earth("+fails", check=1)
        for text in ("+fails", "before", "Earthfile:4:5", "Exit code 7"):
            self.assertIn(text, failed.stderr)
        self.assertIn("Earthfile:6:11", self.earth("+mistake", check=1).stderr)
        self.assertIn("terminal", self.earth("+asks", check=1).stderr)
        self.assertIn("does not say what it would do",
                      self.earth("+fails", verb=("explain",), check=1).stderr)
        self.earth("+privileged", check=1)
        self.assertFalse((self.work / "done").exists())
        self.earth("-P", "+privileged")
        self.assertTrue((self.work / "done").exists())

    def test_try_brings_out_what_a_failed_step_left(self):
        self.write("Earthfile", f"""VERSION --try 0.8
FROM {self.box}
WORKDIR /w
fails:
    TRY
        RUN mkdir -p out/sub && echo text > out/sub/file && chmod 750 out/sub/file && ln -s out/sub/file link; echo seen; exit 7
    FINALLY
        SAVE ARTIFACT out AS LOCAL left/out
        SAVE ARTIFACT link AS LOCAL left/link
        SAVE ARTIFACT --if-exists none AS LOCAL left/none
        SAVE ARTIFACT missing AS LOCAL left/missing
    END
untarred:
    RUN rm /bin/tar
    TRY
        RUN printf 'a\\000b' > one && false
    FINALLY
        SAVE ARTIFACT one AS LOCAL one
    END
earlier:
    RUN false
    TRY
        RUN true
    FINALLY
        SAVE ARTIFACT /etc/passwd AS LOCAL passwd
    END
works:
    TRY
        RUN echo fine > good
    FINALLY
        SAVE ARTIFACT good AS LOCAL good
    END
""")
        failed = self.earth("+fails", check=1).stderr
        self.assertIn("Exit code 7", failed)
        self.assertIn("seen", failed)
        self.assertEqual(self.read("left/out/sub/file"), "text\n")
        self.assertTrue((self.work / "left/link").exists(), failed)
        self.assertEqual(self.read("left/link"), "text\n")
        self.assertEqual((self.work / "left/out/sub/file").stat().st_mode & 0o777, 0o750)
        self.assertFalse((self.work / "left/link").is_symlink())
        self.assertIn("cannot save artifact +fails/w/missing", failed)
        self.assertNotIn("left/none", failed)
        self.earth("+untarred", check=1)
        self.assertEqual((self.work / "one").read_bytes(), b"a\0b")
        self.earth("+earlier", check=1)
        self.assertFalse((self.work / "passwd").exists())
        self.earth("+works")
        self.assertEqual(self.read("good"), "fine\n")
        self.assertIn("*cached*", self.earth("+works").stderr)

    def test_try_around_docker(self):
        if os.environ.get("LOAM_TEST_BUILDKITD"):
            self.skipTest("the image with Docker is imported into loamd's store")
        self.debian_image("docker:12", *support.DOCKER_PACKAGES)
        self.write("Earthfile", f"""VERSION --try 0.8
FROM {self.box}
app:
    CMD ["echo", "said in a container"]
    SAVE IMAGE app:1
test:
    FROM docker:12
    WORKDIR /w
    TRY
        WITH DOCKER --load=+app
            RUN docker run --rm --network=none app:1 >report; exit 3
        END
    FINALLY
        SAVE ARTIFACT report AS LOCAL report
    END
""")
        self.assertIn("Exit code 3", self.earth("-P", "+test", check=1).stderr)
        self.assertEqual(self.read("report"), "said in a container\n")

    def test_the_terminal_of_this_machine(self):
        self.write("Earthfile", f"""VERSION 0.8
FROM {self.box}
test:
    ARG who=world
    WORKDIR /here
    RUN --secret TOKEN --mount=type=cache,target=/cache echo cached >/cache/file; echo left >/here/file; exit 3
asks:
    ARG who=world
    RUN echo made >/made
    RUN --interactive read -p 'name? ' name; echo "<$who:$name:$(cat /made)>"
    SAVE ARTIFACT /made AS LOCAL made
wrong:
    RUN --interactive exit 4
keeps:
    RUN --interactive-keep sh
""")
        self.write("Dockerfile", f"FROM {self.box}\nENV who=docker\nRUN echo left >/file; false\n")
        env = {"BUILDKIT_HOST": f"unix://{self.socket}", "LOAM_ROOT": str(self.base / "here")}
        terminal = test_interactive.Terminal(self, ["-i", "--secret", "TOKEN=s3cret", "+test"], env=env)
        terminal.wait_for("the terminal is this step's")
        terminal.type("echo \"<$who:$TOKEN:$(cat /cache/file):$(cat file):$PWD>\"\n")
        terminal.wait_for("<world:s3cret:cached:left:/here>")
        terminal.resize(44, 66)
        terminal.type("until [ \"$(stty size)\" = '44 66' ]; do sleep 0.1; done; echo resi''zed\n")
        terminal.wait_for("resized")
        terminal.type("exit 9\n")
        self.assertEqual(terminal.end(), 1, terminal.text)
        self.assertIn("Exit code 3", terminal.text)
        terminal = test_interactive.Terminal(self, ["build", "--progress=plain", "-i", "."], env=env)
        terminal.wait_for("the terminal is this step's")
        terminal.type("echo \"<$who:$(cat /file)>\"; exit\n")
        terminal.wait_for("<docker:left>")
        self.assertEqual(terminal.end(), 1, terminal.text)
        terminal = test_interactive.Terminal(self, ["+asks"], env=env)
        terminal.wait_for("name? ")
        terminal.type("Ada\n")
        terminal.wait_for("<world:Ada:made>")
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.assertEqual(self.read("made"), "made\n")
        for target, text in (("+wrong", "exit code: 4"), ("+keeps", "does not hand back what a step with a terminal leaves")):
            terminal = test_interactive.Terminal(self, [target], env=env)
            self.assertEqual(terminal.end(), 1, terminal.text)
            self.assertIn(text, terminal.text)

    def test_examples(self):
        """Those whose base images are at hand; their second build runs nothing."""
        for name in ("monorepo", "multiplatform"):
            self.work = self.base / name
            shutil.copytree(support.SOURCE_DIR / f"examples/earthfile-{name}", self.work)
            self.earth("+all")
            again = self.earth("+all")
            steps = [line for line in again.stderr.splitlines() if "--> RUN " in line]
            self.assertEqual([line for line in steps if "*cached*" not in line], [], again)
        out = subprocess.run(["sh", self.base / "monorepo/api/out/api"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(out, "[api] ready\n")
        images = self.run_checked(support.LOAM, "image", "ls", "--root", self.base / "here")
        for tag in ("latest", "latest_linux_amd64", "latest_linux_arm64"):
            self.assertIn(f"greeting:{tag} ", images)

    def test_earthlys_command_line(self):
        self.write("Earthfile", f"VERSION 0.8\nhi:\n    FROM {self.box}\n    RUN echo hi > f\n    SAVE ARTIFACT f AS LOCAL f\n")
        self.earth("--buildkit-host", f"unix://{self.socket}", "+hi", verb=("earthly",), env={"BUILDKIT_HOST": ""})
        self.assertEqual(self.read("f"), "hi\n")
        gone = self.earth("+hi", verb=("earthly",), env={"BUILDKIT_HOST": f"unix://{self.base}/nobody"}, check=1)
        self.assertIn("no engine answers at unix://", gone.stderr)


if __name__ == "__main__":
    support.main()
