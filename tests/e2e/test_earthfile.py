"""Earthfiles from the command line: targets, artifacts, images, conditions, LOCALLY, failures, what earthly's users type."""
import base64
import json
import os
import pathlib
import re
import signal
import subprocess

import support


class Earthfile(support.LoamCase):
    def setUp(self):
        super().setUp()
        support.need_program("crun")
        self.import_busybox("box:1")

    def earth(self, *args, check=0, env=None):
        """`loam earthly …` on this case's state root."""
        environment = self.environment(LOAM_ROOT=str(self.root), **(env or {}))
        process = subprocess.Popen([support.LOAM, "earthly", *map(str, args)], cwd=self.work, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.add(str(process.pid))
        out, err = process.communicate(timeout=300)
        done = support.Finished(process, out.decode(), err.decode(errors="replace"))
        if check is not None:
            self.assertEqual(done.code, check, done)
        return done

    def recipe(self, text):
        self.write("Earthfile", "VERSION 0.8\nFROM box:1\n" + text)

    def test_artifacts_are_written_after_success_and_cached(self):
        self.recipe("""
build:
    COPY input .
    RUN cat input >/result; echo made >>/result
    SAVE ARTIFACT /result AS LOCAL out/result

broken:
    BUILD +build
    RUN false
""")
        self.write("input", "one\n")
        failed = self.earth("+broken", check=1)
        self.assertFalse((self.work / "out").exists(), failed)
        done = self.earth("+build")
        self.assertEqual((self.work / "out/result").read_text(), "one\nmade\n")
        self.assertIn("Artifact +build/result output as out/result", done.err)
        again = self.earth("+build")
        self.assertRegex(again.err, r"\+build \| \*cached\* --> RUN cat input")
        self.write("input", "two\n")
        changed = self.earth("+build")
        self.assertNotRegex(changed.err, r"\*cached\* --> RUN cat input")
        self.assertEqual((self.work / "out/result").read_text(), "two\nmade\n")

    def test_artifact_mode_and_no_output(self):
        self.recipe("build:\n    RUN echo hi >/f\n    SAVE ARTIFACT /f dir/f AS LOCAL local\n")
        self.earth("--no-output", "+build")
        self.assertFalse((self.work / "local").exists())
        self.earth("--artifact", "+build/dir/f", "there/")
        self.assertEqual((self.work / "there/f").read_text(), "hi\n")
        self.assertFalse((self.work / "local").exists())

    def test_directory_artifacts_replace_and_files_do_not_replace_directories(self):
        self.recipe("build:\n    RUN mkdir /d && echo new >/d/new && echo f >/f\n"
                    "    SAVE ARTIFACT /d AS LOCAL d\n\nfile:\n    FROM +build\n    SAVE ARTIFACT /f AS LOCAL d\n")
        self.write("d/old", "old\n")
        self.earth("+build")
        self.assertEqual(sorted(os.listdir(self.work / "d")), ["new"])
        refused = self.earth("+file", check=1)
        self.assertIn("is a directory", refused.err)
        self.assertEqual(sorted(os.listdir(self.work / "d")), ["new"])

    def test_conditions_loops_and_output_of_commands(self):
        self.recipe("""
test:
    ARG name=$(echo from-shell)
    IF [ "$name" = "from-shell" ]
        RUN echo yes >/answer
    ELSE
        RUN echo no >/answer
    END
    FOR item IN $(echo a b; echo c)
        RUN echo $item >>/answer
    END
    SAVE ARTIFACT /answer AS LOCAL answer
""")
        self.earth("+test")
        self.assertEqual((self.work / "answer").read_text(), "yes\na\nb\nc\n")
        self.earth("+test", "--name=other")
        self.assertEqual((self.work / "answer").read_text(), "no\na\nb\nc\n")

    def test_a_failed_step_is_told_with_its_place_and_exit_code(self):
        self.recipe("\nSTEP:\n    FUNCTION\n    RUN echo before; exit 7\n\ntest:\n    DO +STEP\n")
        failed = self.earth("+test", check=1)
        self.assertRegex(failed.err, r"ERROR Earthfile:6:4")
        self.assertIn("did not complete successfully. Exit code 7", failed.err)
        self.assertIn("Repeating the failure error...", failed.err)
        self.assertRegex(failed.err, r"\+test \| before")

    def test_what_only_an_allowance_is_missing_for_has_its_exit_code(self):
        self.recipe("\nrun:\n    RUN --privileged true\n\nif:\n    IF --privileged true\n        RUN true\n    END\n")
        for target in ("+run", "+if"):
            refused = self.earth(target, check=9)
            self.assertIn("(-P)", refused.err)
            self.earth("-P", target)

    def test_each_step_that_ran_is_told_however_short_it_was(self):
        self.recipe("\ntest:\n" + "".join(f"    COPY f{i} /f{i}\n" for i in range(8)) + "    RUN true\n")
        for turn in range(3):
            for i in range(8):
                self.write(f"f{i}", f"{turn}\n")
            shown = [line.split("| ")[1] for line in self.earth("+test").err.splitlines() if "--> " in line]
            self.assertEqual(shown[1:], [f"--> COPY f{i} /f{i}" for i in range(8)] + ["--> RUN true"])

    def test_files_that_are_not_there_are_told_with_what_was_meant(self):
        self.write("sub/Earthfile", "VERSION 0.8\nt:\n    FROM box:1\n    COPY src/mian.go .\n")
        self.write("sub/src/main.go", "")
        self.recipe("\nt:\n    BUILD ./sub+t\n\nignored:\n    COPY a.txt .\n\nartifact:\n    COPY +t .\n")
        self.write("a.txt", "")
        self.write(".earthlyignore", "# no texts\n*.txt\n")
        self.assertIn("hint: did you mean `src/main.go`?", self.earth("+t", check=1).err)
        self.assertIn("hint: `a.txt` is excluded by line 2 of .earthlyignore", self.earth("+ignored", check=1).err)
        self.assertIn("hint: `+t` is read as a file", self.earth("+artifact", check=1).err)
        (self.work / "Earthfile").rename(self.work / "earthfile")
        self.assertIn("the file `earthfile` in . has to be called `Earthfile`", self.earth("+t", check=1).err)
        (self.work / "earthfile").rename(self.work / "Earthfile")
        self.assertIn("+ignored`?", self.earth("ignored", check=1).err)
        self.assertIn("did you mean the target `loam +ignored`?", self.loam("ignored", check=2).err)

    def test_state_on_an_overlay_filesystem_says_why_it_cannot_keep_deletions(self):
        for name in ("lower", "upper", "scratch", "merged"):
            (self.base / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "none", self.base / "merged", "-o",
                        f"lowerdir={self.base}/lower,upperdir={self.base}/upper,workdir={self.base}/scratch"], check=True)
        self.addCleanup(subprocess.run, ["umount", self.base / "merged"], check=True)
        self.recipe("\nkeep:\n    RUN touch /kept\n\ndelete:\n    RUN rm /etc/passwd\n")
        self.root = self.base / "merged/root"
        self.import_busybox("box:1")
        self.earth("+keep")
        self.assertIn("put the state (--root, LOAM_ROOT) on a volume", self.earth("+delete", check=1).err)

    def test_settings_that_cannot_be_meant_are_refused(self):
        self.recipe("\nt:\n    RUN true\n")
        self.assertIn("flags come before the target", self.earth("+t", "--push", check=1).err)
        self.assertIn("EARTHLY_NO_CACHE", self.earth("+t", check=1, env={"EARTHLY_NO_CACHE": "maybe"}).err)
        self.write(".env", "EARTHLY_CI=2\n")
        self.assertIn("EARTHLY_CI", self.earth("+t", check=1).err)

    def test_locally_runs_here(self):
        self.recipe("""
make:
    RUN echo built >/built
    SAVE ARTIFACT /built

here:
    LOCALLY
    COPY +make/built ./copied
    RUN cat copied >seen; echo $PWD >>seen
""")
        self.earth("+here")
        self.assertEqual((self.work / "seen").read_text(), f"built\n{self.work}\n")
        refused = self.earth("--strict", "+here", check=1)
        self.assertIn("LOCALLY", refused.err)

    def test_try_brings_files_of_a_failed_step_out(self):
        self.write("Earthfile", "VERSION --try 0.8\nFROM box:1\ntest:\n    TRY\n        RUN echo log >report; exit 1\n"
                                "    FINALLY\n        SAVE ARTIFACT report AS LOCAL report\n    END\n")
        self.earth("+test", check=1)
        self.assertEqual((self.work / "report").read_text(), "log\n")

    def test_secrets_come_from_flags_files_and_a_dot_secret_file(self):
        self.recipe("test:\n    RUN --secret A --secret B --secret C [ \"$A$B$C\" = abc ]\n")
        self.write("b", "b")
        self.write(".secret", "C=c\n")
        self.earth("--secret", "A=a", "--secret-file", "B=b", "+test")
        # Newlines at the end are lost on the way into a variable, not into a file.
        self.recipe("lines:\n    RUN --secret A --mount=type=secret,id=A,target=/a [ \"$A\" = a ] && [ $(wc -l </a) = 2 ]\n")
        self.write("a", "a\n\n")
        self.earth("--secret-file", "A=a", "+lines")
        self.recipe("test:\n    RUN --secret A --secret B --secret C [ \"$A$B$C\" = abc ]\n")
        missing = self.earth("--no-cache", "--secret", "A=a", "+test", check=1)
        self.assertIn('secret B: unable to lookup secret "B": not found', missing.err)

    def test_a_step_without_cache_runs_once(self):
        """Whatever has asked for it before the end: a condition, a WAIT, a TRY."""
        self.write("sub/file", "x")
        self.write("Earthfile", """VERSION --try 0.8
FROM box:1
test:
    COPY --dir sub ./s
    COPY +parts/a .
    RUN --no-cache cat /proc/sys/kernel/random/uuid > id
    LET seen = $(cat id)
    WAIT
        SAVE ARTIFACT id AS LOCAL first
    END
    TRY
        RUN test "$(cat id)" = "$seen"
    FINALLY
        SAVE ARTIFACT id AS LOCAL second
    END
    SAVE ARTIFACT id AS LOCAL third
parts:
    RUN touch a b
    SAVE ARTIFACT a
    SAVE ARTIFACT b
""")
        for flags in ((), ("--no-cache",)):
            self.earth(*flags, "+test")
            self.assertEqual(len({(self.work / name).read_text() for name in ("first", "second", "third")}), 1)

    def test_what_steps_use_is_told_on_request(self):
        self.recipe("test:\n    RUN i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done\n    RUN true\n")
        done = self.earth("--exec-stats", "--exec-stats-summary", "table", "+test")
        told = re.findall(r"\+test \| \[stats\] total CPU: (\S+); total memory: (\S+)", done.err)
        self.assertEqual(len(told), 2, done)
        rows = (self.work / "table").read_text().splitlines()
        self.assertEqual(rows[0].split(), ["target", "command", "memory", "cpu"])
        self.assertEqual({row.split("  ")[0] for row in rows[1:]}, {"+test"})
        self.assertEqual(len(rows), 3, rows)
        again = self.earth("--exec-stats", "--exec-stats-summary", "-", "+test")
        self.assertEqual(again.out.split(), ["target", "command", "memory", "cpu"])
        self.assertNotIn("[stats]", again.err)

    def test_the_log_bus_accounts_for_targets_and_commands(self):
        self.recipe("""
all:
    COPY +src/x .
    COPY local .
    RUN cat x local
    IF [ -e x ]
        BUILD +foo --n=1
    END
src:
    RUN echo made >x
    SAVE ARTIFACT x
foo:
    ARG n
    RUN echo made >x
    SAVE IMAGE foo
""")
        self.write("local", "here\n")
        flags = ["--logstream-debug-manifest-file", "man.json", "--logstream-debug-file", "bus.json", "+all"]
        self.earth(*flags)
        manifest = json.loads((self.work / "man.json").read_text())
        targets = {target["name"]: (id, target) for id, target in manifest["targets"].items()}
        self.assertEqual(sorted(targets), ["+all", "+base", "+foo", "+src"])
        self.assertEqual(manifest["status"], "RUN_STATUS_SUCCESS")
        self.assertEqual(manifest["mainTargetId"], targets["+all"][0])
        self.assertEqual({target["status"] for _, target in targets.values()}, {"RUN_STATUS_SUCCESS"})
        self.assertEqual(sorted(targets["+all"][1]["dependsOn"]), sorted(targets[name][0] for name in ("+base", "+foo", "+src")))
        self.assertEqual(targets["+foo"][1]["overrideArgs"], ["n=1"])
        commands = {(command["category"], command["name"]): command for command in manifest["commands"].values()}
        written = {(target, name) for target, name in commands if target.startswith("+")}
        self.assertEqual(written, {
            ("+base", "FROM box:1"), ("+all", "FROM +base"), ("+src", "FROM +base"), ("+foo", "FROM +base"),
            ("+all", "COPY +src/x ./"), ("+all", "COPY local ."), ("+all", "RUN cat x local"), ("+all", "IF [ -e x ]"),
            ("+all", "BUILD +foo"), ("+src", "RUN echo made >x"), ("+src", "SAVE ARTIFACT x +src/x"),
            ("+foo", "RUN echo made >x"), ("+foo", "SAVE IMAGE foo")})
        for name, command in commands.items():
            self.assertEqual(command["status"], "RUN_STATUS_SUCCESS", name)
            self.assertGreater(int(command["startedAtUnixNanos"]), int(manifest["createdAtUnixNanos"]) - 1, name)
            self.assertGreaterEqual(int(command["endedAtUnixNanos"]), int(command["startedAtUnixNanos"]), name)
        self.assertEqual(commands["+all", "COPY +src/x ./"]["dependsOn"],
                         [{"targetId": targets["+src"][0], "referencedName": "src"}])
        self.assertEqual(commands["+all", "COPY +src/x ./"]["sourceLocation"]["startLine"], 5)
        self.assertFalse(commands["+all", "RUN cat x local"]["isCached"])
        self.assertLessEqual({"context", "internal", "output"}, {category for category, _ in commands})
        deltas = [json.loads(line) for line in (self.work / "bus.json").read_text().splitlines()]
        output = b"".join(base64.b64decode(delta["deltaLog"]["data"]) for delta in deltas if "deltaLog" in delta)
        self.assertEqual(output, b"made\nhere\n")

        self.earth(*flags)
        again = json.loads((self.work / "man.json").read_text())
        cached = {command["name"] for command in again["commands"].values() if command["isCached"]}
        self.assertLessEqual({"COPY +src/x ./", "RUN cat x local", "RUN echo made >x"}, cached)
        self.assertEqual({command["status"] for command in again["commands"].values()}, {"RUN_STATUS_SUCCESS"})

    def test_the_log_bus_accounts_for_failures(self):
        self.recipe("all:\n    RUN echo before; exit 3\n    RUN later\nlocal:\n    LOCALLY\n    RUN exit 4\n")

        def manifest(target):
            self.earth("--logstream-debug-manifest-file", "man.json", target, check=1)
            result = json.loads((self.work / "man.json").read_text())
            failure = result["failure"]
            self.assertEqual(result["status"], "RUN_STATUS_FAILURE")
            return failure, result["commands"].get(failure["commandId"]), {
                command["name"]: command["status"] for command in result["commands"].values()}

        failure, command, statuses = manifest("+all")
        self.assertEqual(failure["type"], "FAILURE_TYPE_NONZERO_EXIT")
        self.assertEqual(base64.b64decode(failure["output"]), b"before\n")
        self.assertEqual(command["name"], "RUN echo before; exit 3")
        self.assertEqual(command["status"], "RUN_STATUS_FAILURE")
        self.assertEqual(statuses["RUN later"], "RUN_STATUS_NOT_STARTED")
        failure, command, _ = manifest("+local")
        self.assertEqual((failure["type"], command["name"]), ("FAILURE_TYPE_NONZERO_EXIT", "RUN exit 4"))
        self.assertTrue(command["isLocal"])
        failure, command, _ = manifest("+nowhere")
        self.assertEqual((failure["type"], command), ("FAILURE_TYPE_SYNTAX", None))
        self.assertIn("nowhere", failure["errorMessage"])
        self.earth("--logstream-debug-file", "/nowhere/bus", "+all", check=1)
        self.earth("--logstream-debug-manifest-file", "man", "+all", check=1)
        self.assertIn(b"RUN echo before; exit 3", (self.work / "man").read_bytes())

    def test_args_that_nothing_declares_are_warned_of(self):
        self.recipe("test:\n    ARG version=1\n    RUN echo $version\n")
        done = self.earth("--build-arg", "other=1", "+test", "--versoin=2", "--push=1")
        self.assertIn("neither +test nor what it uses has an ARG `versoin`", done.err)
        self.assertIn("did you mean `--version`?", done.err)
        self.assertIn("has an ARG `other`", done.err)
        self.assertIn("flags come before the target", done.err)
        self.write(".arg", "unknown=1\n")
        quiet = self.earth("+test", "--version=2", env={"EARTHLY_BUILD_ARGS": "another=2"})
        self.assertNotIn("warning", quiet.err)
        refused = self.loam("build", "+test", "--push", check=2)
        self.assertIn("flags come before the target", refused.err)

    def test_arguments_from_everywhere(self):
        self.recipe("test:\n    ARG a\n    ARG b\n    ARG c\n    RUN echo \"$a $b $c\" >/out\n"
                    "    SAVE ARTIFACT /out AS LOCAL out\n")
        self.write(".arg", "a=file\nb=file\n")
        self.earth("--build-arg", "b=flag", "+test", "--c=after")
        self.assertEqual((self.work / "out").read_text(), "file flag after\n")
        self.earth("+test", env={"EARTHLY_BUILD_ARGS": "c=env"})
        self.assertEqual((self.work / "out").read_text(), "file file env\n")
        refused = self.earth("--build-arg", "EARTHLY_VERSION=1", "+test", check=1)
        self.assertIn("cannot be passed on the command line", refused.err)

    def test_images_are_kept_and_run(self):
        self.recipe("image:\n    RUN echo inside >/file\n    CMD [\"cat\", \"/file\"]\n    SAVE IMAGE made:latest\n")
        self.earth("+image")
        self.assertEqual(self.loam("run", "made:latest", check=0).out, "inside\n")

    def test_auto_skip(self):
        self.recipe("test:\n    COPY f .\n    RUN cat f\n")
        self.write("f", "1")
        flags = ["--auto-skip", "--auto-skip-db-path", self.base / "skip.db", "+test"]
        self.assertNotIn("Skipping", self.earth(*flags).err)
        self.assertRegex(self.earth(*flags).err, "has already been run. Skipping.")
        self.write("f", "2")
        self.assertNotIn("Skipping", self.earth(*flags).err)

    def test_spellings_of_the_command(self):
        self.recipe("test:\n    RUN echo it ran\n")
        env = self.environment(LOAM_ROOT=str(self.root))
        link = self.base / "earthly"
        link.symlink_to(pathlib.Path(support.LOAM).resolve())
        for command in ([support.LOAM, "+test"], [support.LOAM, "build", "--no-cache", "+test"],
                        [support.LOAM, "--no-cache", "+test"], [link, "--no-cache", "build", "+test"]):
            done = subprocess.run([str(c) for c in command], cwd=self.work, env=env, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done)
            self.assertRegex(done.stderr, r"\+test \| it ran", done)

    def test_listing(self):
        self.recipe("# b does it\nb:\n    ARG x\n    RUN true\n\na:\n    RUN true\n")
        self.assertEqual(self.earth("ls").out, "+a\n+b\n+base\n")
        self.assertEqual(self.earth("ls", "--args").out, "+a\n+b\n  --x\n+base\n")

    def test_output_that_nobody_reads(self):
        """A closed pipe behind `2>&1 | head` is a failure, no crash."""
        self.recipe("one:\n    RUN echo out\n    RUN false\n")
        for name, arguments in (("stderr", ["earthly", "+one"]), ("stdout", ["ls", "--args"]), ("stderr", ["build", "nowhere"])):
            reading, writing = os.pipe()
            os.close(reading)
            streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, name: writing}
            done = subprocess.run([support.LOAM, *arguments], cwd=self.work, stdin=subprocess.DEVNULL, timeout=120,
                                  env=self.environment(LOAM_ROOT=str(self.root)), **streams)
            os.close(writing)
            self.assertEqual(done.returncode, 1, (name, arguments))

    def test_git_runs_the_ssh_of_the_configuration(self):
        """For GIT CLONE, which the engine does, and for references, which the compiler does."""
        own, config = self.work / "own-ssh", self.work / "config.yml"
        self.write("own-ssh", "#!/bin/sh\necho \"own ssh for $*\" >&2\nexit 7\n", 0o755)
        self.write("config.yml", f"git:\n  git.example:\n    auth: ssh\n    user: git\n    ssh_command: {own} -q\n"
                            "    strict_host_key_checking: false\n")
        self.recipe("clone:\n    GIT CLONE git@git.example:a/b.git dest\nreference:\n    FROM git.example/a/b+x\n")
        for target in ("+clone", "+reference"):
            said = self.earth("--config", config, target, check=1).err
            self.assertRegex(said, r"own ssh for -q -o StrictHostKeyChecking=no .*git@git.example", target)

    def test_bootstrap_teaches_shells(self):
        entry = self.earth("bootstrap", "--source", "bash").out
        self.assertRegex(entry, r"^complete -o nospace -C '/.*loam earthly' earthly\n$")
        self.assertIn("compdef", self.earth("bootstrap", "--source=zsh").out)
        self.assertIn("fish", self.earth("bootstrap", "--source", "fish", check=1).err)
        self.assertIn("--no-such", self.earth("bootstrap", "--no-such", check=1).err)
        self.assertIn("nothing else", self.earth("bootstrap", "--no-buildkit").err)
        # bash runs what the entry says.
        self.recipe("one:\n    RUN true\n")
        line = "earthly +"
        done = subprocess.run(["bash", "-c", entry.split("'")[1]], cwd=self.work, capture_output=True, text=True,
                              env=self.environment(COMP_LINE=line, COMP_POINT=str(len(line))))
        self.assertEqual(done.stdout.split(), ["+one"], done)

    def test_completion(self):
        empty = self.base / "empty"
        empty.mkdir()
        def complete(line, **env):
            done = subprocess.run([support.LOAM, "earthly"], cwd=empty, capture_output=True, text=True,
                                  env=self.environment(COMP_LINE=line, COMP_POINT=str(len(line)), **env))
            self.assertEqual(done.returncode, 0, done)
            return done.stdout.split()
        verbs = ["bootstrap", "config", "doc", "docker-build", "init", "ls", "prune"]
        self.assertEqual(complete("earthly "), verbs)
        self.assertEqual(complete("earthly ", EARTHLY_SHOW_HIDDEN="1"), sorted(verbs + ["build", "debug", "docker2earthly"]))
        # The home directory of the tests is their base.
        (self.base / "tilde").mkdir()
        (self.base / "tilde/Earthfile").write_text("VERSION 0.8\none:\n    ARG city\n    ARG town\n")
        self.assertEqual(complete("earthly ~/tilde+"), ["~/tilde+one"])
        self.assertEqual(complete("earthly ~/til"), ["~/tilde+"])
        self.assertEqual(complete("earthly ~/tilde+one --ci"), ["--city="])

    def test_a_user_gets_completion_in_the_home_directory(self):
        if os.geteuid() != 0:
            self.skipTest("only root can run as somebody else")
        for variable, place in (("BASH_COMPLETION_USER_DIR", "own"), ("XDG_DATA_HOME", "data"), ("", "home/.local/share")):
            folder = self.base / "user" / place / "bash-completion/completions"
            folder.mkdir(parents=True)
            for path in [self.base, *folder.parents]:
                if self.base in [path, *path.parents]:
                    path.chmod(0o755)
            folder.chmod(0o777)
            environment = self.environment()
            environment["HOME"] = str(self.base / "user/home")
            if variable:
                environment[variable] = str(self.base / "user" / place)
            def bootstrap():
                return subprocess.run([support.LOAM, "earthly", "bootstrap", "--with-autocomplete"], cwd="/", text=True, env=environment,
                                      capture_output=True, user=65534, group=65534)
            self.assertIn("successfully enabled bash-completion at", bootstrap().stderr)
            self.assertTrue((folder / "earthly").read_text().startswith("complete "))
            self.assertIn("bash-completion already present", bootstrap().stderr)

    def test_documentation(self):
        self.recipe("""# g is for all
ARG --global g
# b does it
b:
    # x is what
    ARG x=1
    ARG --required y
    # out is the result
    SAVE ARTIFACT out AS LOCAL here
    SAVE IMAGE b:1
c:
    RUN true
""")
        short = "+b --y [--g] [--x=1]\n    b does it\n"
        long = """  REQUIRED ARGS:
    --y
  OPTIONAL ARGS:
    --g
      g is for all
    --x=1
      x is what
  LOCAL ARTIFACTS:
    out -> here
      out is the result
  IMAGES:
    b:1

"""
        self.assertEqual(self.earth("doc", "+b").out, short + long)
        def inner(text):
            return "".join("  " + line if line.strip() else line for line in text.splitlines(True))
        self.assertEqual(self.earth("doc").out, "TARGETS:\n" + inner(short))
        self.assertEqual(self.earth("doc", "--long").out, "TARGETS:\n" + inner(short + long))
        self.assertIn("no doc comment found", self.earth("doc", "+c", check=1).err)

    def test_cloud_commands_are_refused_in_one_line(self):
        refused = self.earth("account", "login", check=1)
        self.assertEqual(len(refused.err.strip().splitlines()), 1, refused)
        self.assertIn("cloud service", refused.err)
        self.assertIn("cloud service", self.loam("account", check=2).err)

    def test_the_configuration_file_is_changed_in_earthlys_layout(self):
        file = self.base / ".earthly/config.yml"
        self.earth("config", "global.cache_size_mb", "10")
        self.earth("config", 'git."example.com".password', "hunter2")
        self.earth("config", "global.buildkit_additional_args", "['userns', '--host']")
        self.earth("config", "git", "{a.test: {auth: ssh, user: git, strict_host_key_checking: false, ssh_command: ssh -c x}}",
                   "--dry-run")
        self.assertEqual(file.read_text(), "global:\n    cache_size_mb: 10\n    buildkit_additional_args:\n        - userns\n"
                                           "        - --host\ngit:\n    example.com:\n        password: hunter2\n")
        self.earth("config", "global.buildkit_additional_args", "--delete")
        self.earth("config", "git", "{a.test: {auth: ssh, ssh_command: 'ssh -c x'}}")
        self.assertEqual(file.read_text(), "global:\n    cache_size_mb: 10\ngit:\n    a.test:\n        auth: ssh\n"
                                           "        ssh_command: ssh -c x\n")
        for key, value in (("global.conversion_parallelism", "many"), ("global.nothing", "1"), ("git", "[a]"), ("git", "{a")):
            self.earth("config", key, value, check=1)
        self.assertIn("how many", self.earth("config", "global.conversion_parallelism", "-h").out)
        missing = self.earth("--config", "none.yml", "config", "global.cache_size_mb", "1", check=1)
        self.assertIn("failed to read from none.yml: open none.yml: no such file or directory", missing.err)

    def test_groups_of_github_actions(self):
        self.recipe("a:\n    RUN echo in-a\n\nb:\n    RUN echo in-b\n\nall:\n    BUILD +a\n    BUILD +b\n")
        done = self.earth("+all", env={"GITHUB_ACTIONS": "true"})
        depth = 0
        for line in done.err.splitlines():
            depth += line.startswith("::group::")
            depth -= line.startswith("::endgroup::")
            self.assertIn(depth, (0, 1), done)
            if re.search(r" \| in-[ab]$", line):
                self.assertEqual(depth, 1, done)
        self.assertEqual(depth, 0, done)

    def test_mistakes_are_told_before_anything_runs(self):
        self.recipe("""
test:
    ARG mode=slow
    RUN touch /ran
    BUILD +lnit
    BUILD ./lib+check

lint:
    RUN true
""")
        self.write("lib/Earthfile", "VERSION 0.8\nIMPORT ./functions AS f\ncheck:\n    FROM box:1\n    DO f+CHECK\n")
        self.write("lib/functions/Earthfile", "VERSION 0.8\nCHECK:\n    FUNCTION\n    RUN --pusch true\n")
        failed = self.earth("+test", "--mode=fast", check=1)
        self.assertNotIn("touch /ran", re.sub(r"(?m)^ *[0-9]+ \\|.*$", "", failed.err))
        self.assertRegex(failed.err, r"has no target `lnit`[^\x00]*in \+test --mode=fast")
        self.assertRegex(failed.err, r"RUN has no flag `--pusch`[^\x00]*lib/functions/Earthfile:4[^\x00]*"
                                     r"in function ./lib/functions\+CHECK, referenced at lib/Earthfile:5:[^\x00]*"
                                     r"in ./lib\+check, referenced at Earthfile:")

    def test_earthly_says_mistakes_in_its_words_as_well(self):
        self.recipe("""
test:
    USER
    LET a = 1
    SET b = 2
    RUN --pusch true
""")
        here = self.loam("build", "+test", check=1).err
        for code in ("[LE0113]", "[LE0149]", "[LE0110]"):
            self.assertIn(code, here)
        self.assertNotIn("\nError: ", here)
        script = self.loam("earthly", "+test", check=1).err
        self.assertRegex(script, r"(?m)^Error: Earthfile:\d+:8 no matching variable found in this scope$")
        self.assertRegex(script, r"(?m)^Hint: 'b' needs to be declared with 'LET b = someValue' before it can be used with SET$")
        self.assertRegex(script, r"(?m)^Error: Earthfile:\d+:8 invalid RUN arguments: unknown flag `pusch'$")

    def test_images_that_are_not_pushed_are_told(self):
        self.recipe("""
one:
    SAVE IMAGE --push r.example/one:1
all:
    BUILD +one
    COPY +two/f .
    WAIT
        BUILD +three
    END
two:
    RUN echo >/f
    SAVE ARTIFACT /f
    SAVE IMAGE --push r.example/two:1
three:
    SAVE IMAGE --push r.example/three:1
    SAVE IMAGE r.example/four:1
""")
        told = self.earth("+all").err
        self.assertIn("Push (disabled)", told)
        for name in ("one", "three"):
            self.assertEqual(told.count(f"Did not push image r.example/{name}:1"), 1, told)
        for name in ("two", "four"):
            self.assertNotIn(f"Did not push image r.example/{name}:1", told)

    def test_warnings_of_the_check_come_first_and_stop_nothing(self):
        self.recipe("test:\n    RUN echo it ran\n    LET unused = 1\n")
        done = self.earth("+test")
        self.assertLess(done.err.index("`unused` is never used"), done.err.index("echo it ran"), done)

    def test_listing_of_all_earthfiles_below(self):
        self.recipe("a:\n    RUN true\n")
        self.write("x/y/Earthfile", "VERSION 0.8\nb:\n    FROM box:1\n")
        self.assertEqual(self.earth("ls", "./...").out, "+a\n+base\n./x/y+b\n./x/y+base\n")
        self.write("z/Earthfile", "VERSION 0.8\nb:\n  FRON box:1\n")
        broken = self.earth("ls", "./...", check=1)
        self.assertIn("./x/y+b\n", broken.out)
        self.assertIn("z/Earthfile:3:3", broken.err)

    def test_steps_that_say_the_same_in_a_dockerfile_share_the_cache(self):
        self.write("f", "1\n")
        self.write("Dockerfile", "FROM box:1\nENV A=b\nRUN echo $A >/x\nCOPY f /f\n")
        self.build(".")
        self.recipe("test:\n    ENV A=b\n    RUN echo $A >/x\n    COPY --keep-ts f /f\n")
        done = self.earth("+test")
        self.assertRegex(done.err, r"\*cached\* --> RUN echo \$A")
        self.write("other/Dockerfile", "FROM box:1\nRUN echo third >/y\n")
        self.recipe("other:\n    RUN echo third >/y\n")
        self.earth("+other")
        again = self.build("other")
        self.assertRegex(again.err, r"RUN echo third[^\n]*(\n[^\n]*)?CACHED", again)

    def test_args_that_are_not_read_make_no_other_target(self):
        self.recipe("all:\n    BUILD +b --x=1 --x=2\n\nb:\n    RUN echo once $RANDOM\n")
        done = self.earth("+all")
        self.assertEqual(len(re.findall(r"--> RUN echo once", done.err)), 1, done)

    def test_git_clone_takes_the_settings_of_its_site(self):
        support.need_program("git")
        repository = self.base / "mirror/org/repo.git"
        def git(*arguments, cwd=None):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *map(str, arguments)], cwd=cwd, check=True,
                           capture_output=True)
        tree = self.base / "tree"
        git("init", "-q", tree)
        (tree / "file").write_text("cloned\n")
        git("add", ".", cwd=tree)
        git("commit", "-q", "-m", "m", cwd=tree)
        git("clone", "-q", "--bare", tree, repository)
        port = support.free_port()
        server = subprocess.Popen(["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
                                   f"--base-path={self.base}/mirror"], start_new_session=True, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (os.killpg(server.pid, signal.SIGTERM), server.wait()))
        support.wait_for(lambda: subprocess.run(["git", "ls-remote", f"git://127.0.0.1:{port}/org/repo.git"],
                                                capture_output=True).returncode == 0, "git daemon")
        self.write("config.yml", f"""git:
  git.example.invalid:
    pattern: 'git.example.invalid/([^/]+)/([^/]+)'
    substitute: 'git://127.0.0.1:{port}/$1/$2'
""")
        self.recipe("test:\n    GIT CLONE https://git.example.invalid/org/repo.git here\n    RUN cat here/file\n")
        self.assertRegex(self.earth("--config", "config.yml", "+test").err, r"\+test \| cloned")
        # Also what git's own configuration says, as for references to repositories.
        (self.base / ".gitconfig").write_text(f'[url "git://127.0.0.1:{port}/"]\n    insteadOf = https://other.example.invalid/\n')
        self.recipe("test:\n    GIT CLONE https://other.example.invalid/org/repo.git here\n    RUN cat here/file here/file\n")
        self.assertRegex(self.earth("+test").err, r"\+test \| cloned")

    def test_a_secret_provider_is_told_the_project(self):
        self.write("provider", "#!/bin/sh\nprintf %s \"$EARTHLY_ORG:$EARTHLY_PROJECT:$1\"\n", 0o755)
        self.write("config.yml", f"global:\n  secret_provider: {self.work}/provider\n")
        self.write("Earthfile", "VERSION 0.8\nPROJECT acme/shop\nFROM box:1\ntest:\n"
                                "    RUN --secret A=key --mount=type=secret,id=file,target=/s [ \"$A\" = acme:shop:key ] && "
                                "[ \"$(cat /s)\" = acme:shop:file ]\n")
        self.earth("--config", "config.yml", "+test")
        self.earth("--config", "config.yml", "--secret", "key=x", "--no-cache", "+test", check=1)


if __name__ == "__main__":
    support.main()
