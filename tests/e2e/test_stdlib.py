"""Every function of the standard library, executed: with the real tools where Debian packages them, else with a program
of that name that notes what it was asked to do."""
import os
import re
import subprocess

import support

# Notes its name and arguments, and that its caches are there.
NOTING = """#!/bin/sh
echo "$(basename "$0") $*" >>/calls
"""


def functions():
    """{"rust": {"INIT", ...}, ...}, of the newest versions."""
    found = {}
    for file in sorted((support.SOURCE_DIR / "stdlib").glob("*/v*/Earthfile")):
        found[file.parent.parent.name] = set(re.findall(r"^([A-Z][A-Z0-9_]*):", file.read_text(), re.M))
    return found


class Library(support.LoamCase):
    called = set()  # "rust+INIT"

    def setUp(self):
        super().setUp()
        support.need_program("crun")
        self.import_busybox("box:1")

    def recipe(self, text):
        self.called.update(f"{library}+{name}" for library, name in re.findall(r"DO (\w+)\+([A-Z_]+)", text))
        imports = "".join(f"IMPORT loam/std/{name}\n" for name in sorted(set(re.findall(r"DO (\w+)\+", text))))
        self.write("Earthfile", "VERSION 0.8\n" + imports + text)

    def earth(self, *args, check=0, env=None):
        return self.loam("build", *args, check=check, env=env)

    def noting_base(self, *programs, etc=""):
        """Recipe of an image where these programs only note their calls."""
        for program in programs:
            self.write("bin/" + program, NOTING, 0o755)
        self.write("bin/os-release", etc or "ID=other\n")
        return "FROM box:1\nCOPY --dir bin /\nRUN mv /bin/os-release /etc/os-release\n"

    def calls(self):
        return (self.work / "calls").read_text().splitlines()

    def test_apk(self):
        self.recipe(self.noting_base("apk") + """
test:
    DO apk+INSTALL --packages="git curl" --virtual=.build
    DO apk+UPGRADE
    DO apk+REMOVE --packages=.build
    SAVE ARTIFACT /calls AS LOCAL calls
""")
        self.earth("+test")
        self.assertEqual(self.calls(), ["apk add --cache-dir /var/cache/apk --virtual .build git curl",
                                        "apk upgrade --cache-dir /var/cache/apk", "apk del .build"])

    def test_apt(self):
        self.recipe(self.noting_base("apt-get", "curl") + """
test:
    DO apt+INSTALL --packages="git curl=7.*"
    DO apt+UPGRADE
    DO apt+REPOSITORY --name=tool --url=https://example.org/debian --suite=stable --key=https://example.org/key
    SAVE ARTIFACT /calls AS LOCAL calls
    SAVE ARTIFACT /etc/apt/sources.list.d/tool.list AS LOCAL list
""")
        self.earth("+test")
        calls = self.calls()
        self.assertEqual(calls[0], "apt-get -q update")
        self.assertRegex(calls[1], r"^apt-get .*Install-Recommends=false install git curl=7\.\*$")
        self.assertEqual(calls[2:4], ["apt-get -q update", "apt-get -q -y upgrade"])
        self.assertEqual(calls[4], "curl -fsSL https://example.org/key -o /etc/apt/keyrings/tool.asc")
        self.assertEqual((self.work / "list").read_text(),
                         "deb [signed-by=/etc/apt/keyrings/tool.asc] https://example.org/debian stable main\n")

    def test_dind(self):
        self.recipe(self.noting_base("apt-get", "apk", etc="ID=debian\n") + """
debian:
    DO dind+INSTALL
    SAVE ARTIFACT /calls AS LOCAL calls
alpine:
    RUN echo ID=alpine >/etc/os-release
    DO dind+INSTALL
    SAVE ARTIFACT /calls AS LOCAL calls
present:
    RUN touch /bin/docker /bin/dockerd; chmod +x /bin/docker /bin/dockerd
    DO dind+INSTALL
    RUN test ! -e /calls
unknown:
    RUN echo ID=unknown >/etc/os-release
    DO dind+INSTALL
""")
        self.earth("+debian")
        self.assertIn("docker.io iptables", self.calls()[1])
        self.earth("+alpine")
        self.assertEqual(self.calls(), ["apk add --no-cache docker docker-cli-compose"])
        self.earth("+present")
        self.assertIn("knows Alpine, Debian and Ubuntu", self.earth("+unknown", check=1).err)

    def test_cmake(self):
        self.debian_image("toolchain:12", "busybox-static", "g++", "cmake", "ninja-build", "ccache", "libc6-dev", "make")
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.18)\nproject(p CXX)\nadd_executable(p main.cpp)\n"
                                     "install(TARGETS p)\nenable_testing()\nadd_test(NAME p COMMAND p)\n")
        self.write("main.cpp", "int main() { return 0; }\n")
        self.write("Makefile", "all: q\nq: main.cpp\n\t$(CXX) -o q main.cpp\n")
        self.recipe("""FROM toolchain:12
WORKDIR /src
COPY . .
test:
    DO cmake+BUILD --output=p --install=/usr --test=true
    RUN ./build/p && /usr/bin/p
    DO cmake+MAKE --args="CXX=g++"
    RUN ./q
""")
        self.earth("+test")

    def test_go(self):
        self.debian_image("debian-go:12", "busybox-static", "golang-go")
        self.write("go.mod", "module example.com/m\n\ngo 1.19\n")
        self.write("main.go", "package main\n\nfunc main() { println(\"hi\") }\n")
        self.write("main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestNothing(t *testing.T) {}\n")
        self.recipe("""FROM debian-go:12
WORKDIR /src
COPY . .
test:
    DO go+INIT
    DO go+DOWNLOAD
    DO go+GO --args="vet ./..."
    DO go+TEST --args=-count=1
    DO go+BUILD --output=m
    RUN ./m 2>&1 | grep -x hi
""")
        self.earth("+test")

    def test_rust(self):
        self.debian_image("debian-rust:12", "busybox-static", "cargo", "rustc", "gcc", "libc6-dev")
        self.write("Cargo.toml", "[package]\nname = \"hi\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        self.write("src/main.rs", "fn main() { println!(\"hi\"); }\n")
        self.recipe("""FROM debian-rust:12
WORKDIR /src
DO rust+INIT --cargo_home=/cargo
COPY --keep-ts . .
test:
    DO rust+CARGO --args="build --offline" --output=debug/hi
    RUN ./target/debug/hi | grep -x hi
install:
    DO rust+INSTALL --crates="--path ." --args="--offline --debug"
    RUN hi | grep -x hi
missing:
    DO rust+CARGO --args="build --offline" --output=debug/nothing
""")
        self.earth("+test")
        self.earth("+install")
        self.assertIn("cargo made no debug/nothing", self.earth("+missing", check=1).err)

    def test_node(self):
        self.node_image("debian-node:12")
        self.write("package.json", '{"name": "m", "version": "1.0.0", "scripts": {"hi": "echo hi >hi"}}\n')
        self.write("package-lock.json", '{"name": "m", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": '
                                        '{"": {"name": "m", "version": "1.0.0"}}}\n')
        self.recipe("""FROM debian-node:12
WORKDIR /src
test:
    DO node+INSTALL
    DO node+NPM --args="run hi"
    RUN grep -x hi hi
""")
        self.earth("+test")
        self.recipe(self.noting_base("yarn", "pnpm") + """
test:
    DO node+YARN --args="install --frozen-lockfile"
    DO node+PNPM --args="install --frozen-lockfile"
    SAVE ARTIFACT /calls AS LOCAL calls
""")
        self.earth("+test")
        self.assertEqual(self.calls(), ["yarn install --frozen-lockfile", "pnpm install --frozen-lockfile"])

    def test_python(self):
        self.debian_image("debian-python:12", "busybox-static", "python3", "python3-venv", "python3-pip")
        self.write("requirements.txt", "./lib\n")
        self.write("lib/setup.py", "from setuptools import setup\nsetup(name='lib', version='1', py_modules=['libmod'])\n")
        self.write("lib/libmod.py", "print('imported')\n")
        self.recipe("""FROM debian-python:12
WORKDIR /src
COPY --dir lib .
test:
    DO python+VENV
    DO python+REQUIREMENTS
    DO python+PIP --args="list"
    RUN python -c 'import libmod' | grep -x imported
""")
        self.earth("+test")
        self.recipe(self.noting_base("uv") + """
test:
    DO python+UV --args="sync --locked"
    SAVE ARTIFACT /calls AS LOCAL calls
""")
        self.earth("+test")
        self.assertEqual(self.calls(), ["uv sync --locked"])

    def test_git_and_ssh(self):
        self.debian_image("debian-git:12", "busybox-static", "git", "openssh-client")
        repository = self.work / "repository"
        repository.mkdir()
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(repository)]
        self.run_checked("git", "init", "-q", "-b", "main", repository)
        self.write("repository/f", "one\n")
        self.run_checked(*git, "add", ".")
        self.run_checked(*git, "commit", "-qm", "one")
        self.run_checked(*git, "tag", "v1")
        self.write("repository/f", "two\n")
        self.run_checked(*git, "commit", "-qam", "two")
        agent = self.start_agent()
        self.recipe("""FROM debian-git:12
ENV HOME = /root
COPY --dir repository /
test:
    DO git+TRUST
    DO git+IDENTITY --name="A Builder" --email=builder@example.org
    DO git+CLONE --url=file:///repository --dir=/clone --ref=v1
    RUN grep -x one /clone/f && git -C /clone log --oneline | grep -c . | grep -x 1
    DO git+CLONE_SSH --url=file:///repository --dir=/clone2
    RUN grep -x two /clone2/f && git config --global user.name | grep -x 'A Builder'
    DO ssh+KNOWN_HOSTS --keys="example.org ssh-ed25519 AAAA"
    RUN grep -x 'example.org ssh-ed25519 AAAA' /root/.ssh/known_hosts
    DO ssh+RUN_WITH_AGENT --command="ssh-add -l | grep -q test-key && touch /agent"
    RUN test -e /agent
""")
        self.earth("+test", env=agent)

    def test_ssh_scan(self):
        self.recipe(self.noting_base("ssh-keyscan") + """
ENV HOME = /root
test:
    DO ssh+SCAN_HOSTS --hosts="one.example two.example"
    RUN test -e /root/.ssh/known_hosts
    SAVE ARTIFACT /calls AS LOCAL calls
""")
        self.earth("+test")
        self.assertEqual(self.calls(), ["ssh-keyscan one.example", "ssh-keyscan two.example"])

    def start_agent(self):
        """An SSH agent with one key; its environment."""
        support.need_program("ssh-agent")
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(self.base / "agent")], stdout=subprocess.DEVNULL)
        self.addCleanup(agent.wait)  # it removes its socket when it ends
        self.addCleanup(agent.terminate)
        support.wait_for((self.base / "agent").exists, "the agent's socket")
        self.run_checked("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test-key", "-f", self.base / "key")
        env = {"SSH_AUTH_SOCK": str(self.base / "agent")}
        subprocess.run(["ssh-add", "-q", str(self.base / "key")], env=os.environ | env, check=True, stdin=subprocess.DEVNULL)
        return env

    def test_versions(self):
        self.write("Earthfile", "VERSION 0.8\nIMPORT loam/std/apk:v1 AS one\nIMPORT loam/std/apk AS newest\nFROM box:1\n"
                                "COPY --dir bin /\nall:\n    DO one+UPGRADE\n    DO newest+UPGRADE\n")
        self.write("bin/apk", NOTING, 0o755)
        self.earth("+all")
        self.write("Earthfile", "VERSION 0.8\nIMPORT loam/std/apk:v99\nFROM box:1\nall:\n    DO apk+UPGRADE\n")
        self.assertRegex(self.earth("+all", check=1).err, r"loam/std/apk.*v99|v99.*loam/std/apk")

    def test_zz_every_function_was_called(self):
        """The last case: what the others did not call is untested."""
        wanted = {f"{library}+{name}" for library, names in functions().items() for name in names}
        self.assertEqual(wanted - self.called, set())


if __name__ == "__main__":
    support.main()
