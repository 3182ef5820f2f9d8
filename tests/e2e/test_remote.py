"""Remote sources: git repositories and files over HTTP, as build contexts, by ADD and as named contexts; faults of them."""
import hashlib
import io
import os
import signal
import stat
import subprocess
import tarfile
import time

from remote_servers import Repository, WebServer, basic, sha256, start_git_daemon
from support import LoamCase, main, need, need_program, wait_for

DOCKERFILE = "FROM scratch\nCOPY . /\n"


def tar_of(files, mode="w"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            info.mtime = 1500000000
            tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


class RemoteCase(LoamCase):
    def setUp(self):
        super().setUp()
        need_program("git")
        self.git_root = self.base / "git"
        self.git_root.mkdir()
        self.web = WebServer(self.git_root)
        self.addCleanup(self.web.stop)

    def repository(self, name="repo", *init):
        return Repository(self.git_root / name, *init)

    def remote(self, name="repo"):
        return f"{self.web.url}/{name}/.git"

    def tree(self, folder="out"):
        out = self.work / folder
        return {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file() and ".git/" not in str(p)}

    def files_of(self, *args, **more):
        """What a build makes, as names and texts."""
        self.run_checked("rm", "-rf", self.work / "out")
        self.done = self.build("-o", "out", *args, **more)
        return self.tree()

    def owners(self, *names):
        """Owner, group and mode of files that the Dockerfile here makes; a folder would have the caller's."""
        self.build("-o", "type=tar,dest=out.tar", ".")
        with tarfile.open(self.work / "out.tar") as tar:
            return {m.name: (m.uid, m.gid, m.mode) for m in tar.getmembers() if m.name in names}

    def fails(self, *args, says, **more):
        done = self.build(*args, check=1, **more)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.err)
        self.assertEqual(done.err.count("ERROR") + done.err.count("error:") > 0, True, done)
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})
        left = [p.name for p in (self.root / "tmp").iterdir()] if (self.root / "tmp").exists() else []
        self.assertEqual(left, [])
        return done


class GitContexts(RemoteCase):
    def test_default_branch_branch_tag_commit_and_subdirectory(self):
        repo = self.repository()
        first = repo.commit(Dockerfile=DOCKERFILE, a="1", sub__Dockerfile=DOCKERFILE, sub__b="b1")
        repo.git("tag", "light")
        repo.git("tag", "-a", "-m", "annotated", "v1")
        repo.git("checkout", "--quiet", "-b", "topic/x")
        repo.commit(a="topic")
        repo.git("checkout", "--quiet", "main")
        repo.commit(a="2")
        url = self.remote()
        for fragment, a in {"": "2", "#main": "2", "#refs/heads/main": "2", "#topic/x": "topic", "#light": "1", "#v1": "1",
                            "#refs/tags/v1": "1", "#" + first: "1", "?branch=topic/x": "topic", "?tag=v1": "1"}.items():
            with self.subTest(fragment):
                self.assertEqual(self.files_of(url + fragment)["a"], a)
        self.assertEqual(self.files_of(url + "#main:sub"), {"Dockerfile": DOCKERFILE, "b": "b1"})
        self.assertEqual(self.files_of(url + "?ref=v1&subdir=sub")["b"], "b1")
        self.assertEqual(list((self.root / "tmp").iterdir()), [])

    def test_what_was_fetched_is_not_fetched_again(self):
        repo = self.repository()
        commit = repo.commit(Dockerfile=DOCKERFILE, a="1")
        self.files_of(self.remote())
        self.web.requests.clear()
        self.assertEqual(self.files_of(self.remote())["a"], "1")
        self.assertEqual([m for m, path, _ in self.web.requests if "upload-pack" in path and m == "POST"][1:], [])
        self.web.requests.clear()
        self.assertEqual(self.files_of(self.remote() + "#" + commit)["a"], "1")
        self.assertEqual(self.web.requests, [])  # a commit says everything itself
        repo.commit(a="2")
        self.assertEqual(self.files_of(self.remote())["a"], "2")

    def test_moved_branches_and_names_in_each_others_way(self):
        repo = self.repository()
        repo.commit(Dockerfile=DOCKERFILE, a="1")
        repo.git("branch", "x")
        self.assertEqual(self.files_of(self.remote() + "#x")["a"], "1")
        repo.git("branch", "-D", "x")
        repo.git("checkout", "--quiet", "-b", "x/y")
        repo.commit(a="2")
        self.assertEqual(self.files_of(self.remote() + "#x/y")["a"], "2")
        repo.git("checkout", "--quiet", "--orphan", "new")
        repo.commit(a="3")
        repo.git("branch", "-f", "x/y", "new")
        repo.git("tag", "t")
        self.assertEqual(self.files_of(self.remote() + "#t")["a"], "3")
        self.assertEqual(self.files_of(self.remote() + "#x/y")["a"], "3")
        repo.git("tag", "-f", "t", "main")
        self.assertEqual(self.files_of(self.remote() + "#t")["a"], "1")

    def test_git_protocol_and_sha256_repositories(self):
        repo = self.repository()
        repo.commit(Dockerfile=DOCKERFILE, a="1")
        other = self.repository("sha256", "--object-format=sha256")
        commit = other.commit(Dockerfile=DOCKERFILE, a="256")
        daemon = start_git_daemon(self, self.git_root)
        self.assertEqual(self.files_of(f"{daemon}/repo/.git")["a"], "1")
        self.assertEqual(self.files_of(f"{daemon}/sha256/.git")["a"], "256")
        self.assertEqual(self.files_of(f"{self.remote('sha256')}#{commit}")["a"], "256")

    def test_modes_links_and_times(self):
        repo = self.repository()
        repo.write("run", "#!/bin/sh\n").chmod(0o755)
        (repo.path / "link").symlink_to("dir/plain")
        repo.commit(Dockerfile=DOCKERFILE, dir__plain="x")
        old = os.umask(0o077)
        try:
            self.files_of(self.remote())
        finally:
            os.umask(old)
        out = self.work / "out"
        modes = {name: stat.S_IMODE((out / name).lstat().st_mode) for name in ("run", "dir", "dir/plain")}
        self.assertEqual(modes, {"run": 0o755, "dir": 0o755, "dir/plain": 0o644})
        self.assertEqual(os.readlink(out / "link"), "dir/plain")
        # Times matter: they are those of the commit, and so is the image's.
        self.files_of("--build-arg", "SOURCE_DATE_EPOCH=context", self.remote())
        self.assertEqual({int((out / name).lstat().st_mtime) for name in ("run", "dir/plain", "link")}, {1700000000})

    def test_submodules(self):
        inner = self.repository("inner")
        inner.commit(deep="innermost")
        repo = self.repository()
        repo.commit(Dockerfile=DOCKERFILE)
        repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner/.git", "lib")
        repo.git("config", "-f", ".gitmodules", "submodule.lib.url", "../../inner/.git")
        repo.commit()
        out = self.files_of(self.remote())
        self.assertEqual(out["lib/deep"], "innermost")
        self.assertNotIn("lib/.git", out)
        self.assertNotIn("lib/deep", self.files_of(self.remote() + "?submodules=false"))

    def test_a_submodule_of_this_machine_is_refused(self):
        secret = self.repository("secret")
        secret.commit(deep="of the host")
        repo = self.repository()
        repo.commit(Dockerfile=DOCKERFILE)
        repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"{self.git_root}/secret/.git", "lib")
        repo.commit()
        self.fails(self.remote(), says="transport 'file' not allowed")

    def test_dockerfile_elsewhere(self):
        repo = self.repository()
        repo.commit(other="FROM scratch\nCOPY a /from-other\n", a="1", lower__dockerfile=DOCKERFILE)
        self.assertEqual(self.files_of("-f", "other", self.remote()), {"from-other": "1"})
        self.assertEqual(self.files_of("-f", "-", self.remote(), stdin=b"FROM scratch\nCOPY a /from-stdin\n"),
                         {"from-stdin": "1"})
        self.assertIn("dockerfile", self.files_of(self.remote() + "#:lower"))

    def test_ignore_file_of_a_repository_has_no_say(self):
        # As with BuildKit: .dockerignore is about what a client sends.
        repo = self.repository()
        repo.write(".dockerignore", "a\n")
        repo.commit(Dockerfile=DOCKERFILE, a="1")
        self.assertEqual(self.files_of(self.remote())["a"], "1")

    def test_kept_git_directory(self):
        repo = self.repository()
        commit = repo.commit(Dockerfile=DOCKERFILE, a="1")
        repo.git("tag", "-a", "-m", "annotated", "v1")
        self.files_of("--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", self.remote() + "#v1")
        out = self.work / "out"
        git = ["git", "-c", "safe.directory=*", "-C", out]
        self.assertEqual(self.run_checked(*git, "rev-parse", "HEAD").strip(), commit)
        self.assertEqual(self.run_checked(*git, "describe").strip(), "v1")
        self.assertEqual(self.run_checked(*git, "remote", "get-url", "origin").strip(), self.remote())
        self.assertEqual(self.run_checked(*git, "status", "--porcelain"), "")


    def test_mirrors_are_listed_and_pruned(self):
        repo = self.repository()
        repo.commit(Dockerfile=DOCKERFILE, a="1")
        self.files_of(self.remote())
        self.assertIn("git repository " + self.remote(), self.loam("du", "--verbose", check=0).out)
        self.loam("prune", "--all", check=0)
        self.assertEqual(list((self.root / "git").iterdir()), [])
        self.assertEqual(self.files_of(self.remote())["a"], "1")


class GitAuthorisation(RemoteCase):
    def setUp(self):
        super().setUp()
        self.repository("private").commit(Dockerfile=DOCKERFILE, a="1")

    def test_token_header_and_credentials_in_the_url(self):
        self.web.auth["private"] = "basic " + basic("x-access-token", "t0ken").split()[1]
        url = self.remote("private")
        done = self.fails(url, says=["git ls-remote", "GIT_AUTH_TOKEN"])
        self.assertNotIn("t0ken", done.err)
        self.assertEqual(self.files_of("--secret", "id=GIT_AUTH_TOKEN,env=TOKEN", url, env={"TOKEN": "t0ken"})["a"], "1")
        self.assertNotIn("t0ken", self.done.err)
        self.web.auth["private"] = "Bearer xyz"
        self.write("header", "Bearer xyz\n")
        host = self.web.url.removeprefix("http://")
        self.run_checked("rm", "-rf", self.root / "git", self.root / "sources.db")
        self.assertEqual(self.files_of("--no-cache", "--secret", f"id=GIT_AUTH_HEADER.{host},src=header", url)["a"], "1")
        self.web.auth["private"] = basic("me", "pa55")
        with_user = url.replace("http://", "http://me:pa55@")
        self.assertEqual(self.files_of(with_user)["a"], "1")
        # Nowhere in the state, not even in a mirror's configuration.
        found = subprocess.run(["grep", "-rlE", "pa55|t0ken|Bearer xyz", str(self.root / "git")], capture_output=True, text=True)
        self.assertEqual(found.stdout, "")

    def test_wrong_credentials_are_not_shown(self):
        self.web.auth["private"] = basic("me", "right")
        url = self.remote("private").replace("http://", "http://me:wr0ng@")
        done = self.fails(url, says="xxxxx:xxxxx@127.0.0.1")
        self.assertNotIn("wr0ng", done.err + done.out)


class SshContexts(RemoteCase):
    def test_agent_known_hosts_and_no_prompt(self):
        self.repository().commit(Dockerfile=DOCKERFILE, a="by ssh")
        # An ssh that notes how it was called and runs the command here.
        self.write("bin/ssh", f'#!/bin/sh\necho "$SSH_AUTH_SOCK $*" >> {self.work}/calls\nssh-add -l > {self.work}/keys\n'
                              'for last; do :; done\nexec env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory '
                              'GIT_CONFIG_VALUE_0="*" sh -c "$last"\n', 0o755)
        path = f"{self.work}/bin:{os.environ['PATH']}"
        url = f"git@localhost:{self.git_root}/repo/.git"
        self.fails(url, says=["--ssh default"], env={"PATH": path})
        self.run_checked("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a test key", "-f", self.work / "key")
        self.assertEqual(self.files_of("--ssh", f"default={self.work}/key", url, env={"PATH": path})["a"], "by ssh")
        calls = (self.work / "calls").read_text()
        self.assertIn("BatchMode=yes", calls)
        self.assertIn("StrictHostKeyChecking=accept-new", calls)
        self.assertIn("a test key", (self.work / "keys").read_text())


class AddGit(RemoteCase):
    def test_add_with_checksum_subdirectory_and_git_directory(self):
        repo = self.repository()
        commit = repo.commit(a="1", sub__b="2")
        url = self.remote()
        self.write("Dockerfile", f"""FROM scratch
ADD {url} /whole
ADD --checksum={commit} {url}#main:sub /sub
ADD --keep-git-dir=true {url}#{commit} /kept
ADD --chmod=700 --chown=12:34 {url}?subdir=sub /owned/
""")
        files = self.files_of(".")
        self.assertEqual({k: v for k, v in files.items() if ".git" not in k},
                         {"whole/a": "1", "whole/sub/b": "2", "sub/b": "2", "kept/a": "1", "kept/sub/b": "2", "owned/b": "2"})
        self.assertTrue((self.work / "out/kept/.git").is_dir())
        self.assertEqual(self.owners("owned/b"), {"owned/b": (12, 34, 0o700)})

    def test_wrong_checksum(self):
        repo = self.repository()
        repo.commit(a="1")
        self.write("Dockerfile", f"FROM scratch\nADD --checksum={'0' * 40} {self.remote()}#main /x\n")
        self.fails(".", says="expected checksum to match " + "0" * 40)

    def test_one_build_sees_one_commit(self):
        repo = self.repository()
        repo.commit(a="1", sub__b="1")
        base = self.import_busybox()
        self.write("Dockerfile", f"""FROM {base}
ADD {self.remote()}#main /one
ADD {self.remote()}#main:sub /two
""")
        self.build(".")
        asked = [1 for method, path, _ in self.web.requests if path.endswith("/info/refs?service=git-upload-pack")]
        self.assertLessEqual(len(asked), 2)  # one question, one transfer


class GitFaults(RemoteCase):
    def test_nothing_there(self):
        self.repository().commit(Dockerfile=DOCKERFILE)
        self.fails(self.remote("other"), says="not found")
        self.fails(self.remote() + "#nope", says="repository does not contain ref nope")
        self.fails(self.remote() + "#" + "1" * 40, says="1" * 40)
        self.fails(self.remote() + "#:nope", says="no directory `nope`")
        self.fails("-f", "Nope", self.remote(), says="Nope: no such file")
        self.web.git_root = None
        port = self.web.server_port
        self.fails(f"http://127.0.0.1:1/x.git", says=["127.0.0.1", "onnect"])
        self.assertTrue(port)

    def test_names_that_git_must_not_see(self):
        self.repository().commit(Dockerfile=DOCKERFILE)
        for reference in (self.remote() + "#--upload-pack=touch /tmp/x", self.remote() + "#a..b",
                          self.remote() + "#:../../etc"):
            with self.subTest(reference):
                done = self.build(reference, check=1)
                self.assertIn("ERROR", done.err.upper())

    def test_interrupted_fetch_leaves_nothing_and_can_be_repeated(self):
        self.repository().commit(Dockerfile=DOCKERFILE, a="1")
        gate = self.base / "gate"
        # git that hangs in the transfer until the gate is there
        self.write("bin/git-remote-http", f"#!/bin/sh\ntouch {gate}.reached\nwhile [ ! -e {gate} ]; do sleep 0.05; done\n"
                                          f'exec {self.exec_path()}/git-remote-http "$@"\n', 0o755)
        env = {"GIT_EXEC_PATH": "", "PATH": f"{self.work}/bin:{os.environ['PATH']}"}
        self.run_checked("cp", "-rs", self.exec_path(), self.work / "core")
        os.remove(self.work / "core/git-remote-http")
        self.run_checked("cp", self.work / "bin/git-remote-http", self.work / "core/git-remote-http")
        self.write("bin/git", f'#!/bin/sh\nexec {self.git_program()} --exec-path={self.work}/core "$@"\n', 0o755)
        process = self.start("build", "--progress=plain", self.remote(), env=env)
        wait_for(lambda: (self.base / "gate.reached").exists(), "git asking the server")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})
        gate.touch()
        self.assertEqual(self.files_of(self.remote())["a"], "1")

    def exec_path(self):
        return self.run_checked("git", "--exec-path").strip()

    def git_program(self):
        return self.run_checked("which", "git").strip()


class HttpContexts(RemoteCase):
    def test_archives_and_a_lone_dockerfile(self):
        files = {"Dockerfile": DOCKERFILE, "dir/a": "1"}
        for mode in ("w", "w:gz", "w:bz2", "w:xz"):
            with self.subTest(mode):
                url = self.web.add(f"/{mode[2:] or 'tar'}/context", tar_of(files, mode))
                self.assertEqual(self.files_of(url), files)
        url = self.web.add("/Dockerfile", "FROM scratch\nCOPY <<EOF /alone\nhere\nEOF\n")
        self.assertEqual(self.files_of(url), {"alone": "here\n"})
        url = self.web.add("/sub.tar", tar_of({"x/Dockerfile": "FROM scratch\nCOPY y /\n", "y": "2"}))
        self.assertEqual(self.files_of("-f", "x/Dockerfile", url), {"y": "2"})
        self.assertEqual(self.files_of("-f", "-", url, stdin=b"FROM scratch\nCOPY x /x\n"),
                         {"x/Dockerfile": "FROM scratch\nCOPY y /\n"})

    def test_a_wrong_url(self):
        self.fails(self.web.url + "/nope.tar", says="status 404")
        self.fails("http://127.0.0.1:1/context.tar", says="127.0.0.1")


class AddHttp(RemoteCase):
    def add(self, line, *args, **more):
        self.write("Dockerfile", f"FROM scratch\n{line}\n")
        return self.files_of(*args, ".", **more)

    def test_names_modes_and_times(self):
        url = self.web.add("/dir/file.txt?x=1", "hello", modified=1400000000)
        self.web.files["/dir/file.txt"] = self.web.files["/dir/file.txt?x=1"]
        self.assertEqual(self.add(f"ADD {url} /d/"), {"d/file.txt": "hello"})
        info = (self.work / "out/d/file.txt").stat()
        self.assertEqual((stat.S_IMODE(info.st_mode), int(info.st_mtime)), (0o600, 1400000000))
        self.assertEqual(self.add(f"ADD --chmod=0644 --chown=7:8 {url} /renamed"), {"renamed": "hello"})
        self.assertEqual(self.owners("renamed"), {"renamed": (7, 8, 0o644)})

    def test_checksum(self):
        url = self.web.add("/f", "data")
        self.assertEqual(self.add(f"ADD --checksum={sha256('data')} {url} /f"), {"f": "data"})
        self.web.requests.clear()
        self.run_checked("rm", self.root / "cache.db")
        self.add(f"ADD --checksum={sha256('data')} {url} /g")
        self.assertEqual(self.web.requests, [])  # its content is here
        self.write("Dockerfile", f"FROM scratch\nADD --checksum={sha256('other')} {url} /f\n")
        self.fails(".", says=["digest mismatch", sha256("other"), sha256("data")])

    def test_unpack(self):
        url = self.web.add("/x.tar.gz", tar_of({"in/side": "1"}, "w:gz"))
        self.assertEqual(list(self.add(f"ADD --unpack=true {url} /u/")), ["u/in/side"])

    def test_etag_is_asked_for_again(self):
        url = self.web.add("/e", "one", etag='"v1"')
        self.assertEqual(self.add(f"ADD {url} /e"), {"e": "one"})
        self.assertEqual(self.add(f"ADD {url} /e"), {"e": "one"})
        self.assertEqual(self.web.methods("/e"), ["GET", "HEAD"])
        self.web.add("/e", "two", etag='"v2"')
        self.assertEqual(self.add(f"ADD {url} /e"), {"e": "two"})
        self.web.add("/e", "one", etag='"v1"')
        self.web.requests.clear()
        self.assertEqual(self.add(f"ADD {url} /e"), {"e": "one"})
        self.assertEqual(self.web.methods("/e"), ["HEAD"])  # both are remembered

    def test_time_is_asked_for_again(self):
        url = self.web.add("/t", "one", modified=1400000000)
        self.add(f"ADD {url} /t")
        self.web.requests.clear()
        self.assertEqual(self.add(f"ADD {url} /t"), {"t": "one"})
        self.assertEqual([r[2].get("If-Modified-Since") for r in self.web.requests], ["Tue, 13 May 2014 16:53:20 GMT"])
        self.web.add("/t", "two", modified=1400000001)
        self.assertEqual(self.add(f"ADD {url} /t"), {"t": "two"})

    def test_redirects_and_authorisation(self):
        other = WebServer()
        self.addCleanup(other.stop)
        other.add("/end", "reached")
        url = self.web.url + "/start"
        self.web.files["/start"] = lambda h: h.reply(302, b"", {"Location": other.url.replace("127.0.0.1", "localhost") + "/end"})
        self.web.auth["start"] = "Bearer s3cret"
        self.write("Dockerfile", f"FROM scratch\nADD {url} /f\n")
        self.fails(".", says=["status 401", "HTTP_AUTH_TOKEN_127.0.0.1"])
        self.write("token", "s3cret")
        self.assertEqual(self.add(f"ADD {url} /f", "--secret", "id=HTTP_AUTH_TOKEN_127.0.0.1,src=token"), {"f": "reached"})
        self.assertEqual([r[2].get("Authorization") for r in other.requests], [None])  # it is not told to others
        self.web.files["/loop"] = lambda h: h.reply(302, b"", {"Location": "/loop"})
        self.write("Dockerfile", f"FROM scratch\nADD {self.web.url}/loop /f\n")
        self.fails(".", says="redirects")

    def test_servers_that_lie(self):
        self.web.files["/short"] = lambda h: h.reply(200, b"abc", length=10)
        self.web.files["/broken"] = lambda h: h.reply(500, b"")
        for path, says in {"/short": "7 bytes remaining", "/broken": "status 500"}.items():
            self.write("Dockerfile", f"FROM scratch\nADD {self.web.url}{path} /f\n")
            self.fails(".", says=says)


class StdinContexts(RemoteCase):
    def test_archives_on_standard_input(self):
        files = {"Dockerfile": DOCKERFILE, "dir/a": "1"}
        plain = tar_of(files)
        forms = {"plain": plain, "gz": tar_of(files, "w:gz"), "bz2": tar_of(files, "w:bz2"), "xz": tar_of(files, "w:xz")}
        need_program("zstd")
        forms["zst"] = subprocess.run(["zstd", "-q", "-c"], input=plain, capture_output=True, check=True).stdout
        for name, data in forms.items():
            with self.subTest(name):
                self.assertEqual(self.files_of("-", stdin=data), files)
        self.assertEqual(self.files_of("-", stdin=b"FROM scratch\nCOPY <<EOF /x\ny\nEOF\n"), {"x": "y\n"})

    def test_ignore_file_of_an_archive(self):
        data = tar_of({"Dockerfile": DOCKERFILE, "a": "1", "b": "2", ".dockerignore": "b\n.dockerignore\nDockerfile\n"})
        self.assertEqual(self.files_of("-", stdin=data), {"a": "1"})


class NamedContexts(RemoteCase):
    def use(self, where, *args):
        self.write("Dockerfile", "FROM scratch AS base\nCOPY <<EOF /from-base\nEOF\nFROM scratch\nCOPY --from=other / /\n")
        return self.files_of("--build-context", f"other={where}", *args, ".")

    def test_every_kind(self):
        repo = self.repository()
        repo.commit(a="git")
        self.assertEqual(self.use(self.remote()), {"a": "git"})
        self.assertEqual(self.use(self.web.add("/f", "http")), {"context": "http"})
        self.write("folder/l", "local")
        self.write("folder/ignored", "x")
        self.write("folder/.dockerignore", "ignored\n.dockerignore\n")
        self.assertEqual(self.use("folder"), {"l": "local"})
        self.assertEqual(self.use("target:base"), {"from-base": ""})
        base = self.import_busybox()
        self.assertIn("bin/busybox", self.run_use_busybox(f"docker-image://{base}"))

    def run_use_busybox(self, where):
        self.write("Dockerfile", "FROM scratch\nCOPY --from=other /bin/busybox /bin/busybox\n")
        self.run_checked("rm", "-rf", self.work / "out")
        self.build("-o", "out", "--build-context", f"other={where}", ".")
        return [str(p.relative_to(self.work / "out")) for p in (self.work / "out").rglob("*")]

    def test_target_brings_its_image_config(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"""FROM {base} AS env
ENV WHO=target
FROM base
RUN echo "$WHO" > /who
FROM scratch
COPY --from=1 /who /
""")
        self.build("-o", "out", "--build-context", "base=target:env", ".")
        self.assertEqual((self.work / "out/who").read_text(), "target\n")

    def test_wrong_ones(self):
        self.write("Dockerfile", "FROM scratch\nCOPY --from=other / /\n")
        for where, says in {"target:nope": "nope", "input:nope": "expected an existing directory", "http://127.0.0.1:1/x": "127.0.0.1"}.items():
            with self.subTest(where):
                done = self.build("--build-context", f"other={where}", ".", check=None)
                self.assertNotEqual(done.code, 0)
                self.assertIn(says, done.err)


class LazyLayers(RemoteCase):
    def test_downloads_are_shown_by_the_step_that_waits_for_them(self):
        registry = self.start_registry()
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\n")
        self.build("-o", f"type=image,name={registry}/base:1,push=true", ".")
        self.root = self.base / "other"
        self.write("Dockerfile", f"FROM {registry}/base:1\nRUN true\n")
        done = self.build(".")
        step = next(line.split()[0] for line in done.err.splitlines() if "RUN true" in line)
        self.assertRegex(done.err, f"(?m)^{step} sha256:[0-9a-f]+.* / .*done")


class Resources(RemoteCase):
    def test_limits_reach_the_step(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN cat /proc/self/cgroup; taskset -p $$ && echo done\n")
        done = self.build("--no-cache", "--cpuset-cpus", "0", ".")
        self.assertIn("affinity mask: 1", done.err)
        self.write("Dockerfile", f"FROM {base}\nRUN head -c 64m /dev/zero | tail > /dev/null\n")
        failed = self.build("--no-cache", "--memory", "16m", ".", check=1)
        self.assertIn("memory", failed.err)
        self.build("--no-cache", "--memory", "512m", ".")
        done = self.build("--cpu-quota", "x", ".", check=2)
        self.assertIn("`--cpu-quota`: `x` is no number above 0", done.err)


if __name__ == "__main__":
    main()
