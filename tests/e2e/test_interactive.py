"""Steps on the user's terminal: RUN --interactive, RUN --interactive-keep, and the shell of -i in a failed step."""
import fcntl
import os
import pty
import select
import struct
import termios
import time

import support


class Terminal:
    """A program on a terminal of its own; what it prints collects in `text`."""

    def __init__(self, case, args, rows=24, columns=80, env=None):
        self.case, self.text, self.code = case, "", None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(case.work)
            os.execve(support.LOAM, [support.LOAM, *args],
                      case.environment(**{"LOAM_ROOT": str(case.root), "TERM": "xterm", **(env or {})}))
        case.started.add(str(self.pid))
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """False at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += got.decode(errors="replace")
        return bool(got)

    def wait_for(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.text:
            self.case.assertTrue(self.read(0.2) and time.monotonic() < deadline, f"no {text!r} in:\n{self.text}")

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, seconds=60):
        deadline = time.monotonic() + seconds
        while self.read(0.2):
            self.case.assertLess(time.monotonic(), deadline, self.text)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        return self.code


class Interactive(support.LoamCase):
    runtime = "crun"

    def setUp(self):
        super().setUp()
        support.need_program(self.runtime)
        self.import_busybox("box:1")

    def terminal(self, *args, **more):
        return Terminal(self, args, env={"LOAM_RUNTIME": self.runtime}, **more)

    def test_a_step_has_the_terminal_and_what_it_changes_is_kept_or_not(self):
        self.write("Earthfile", """VERSION 0.8
FROM box:1
keep:
    RUN --interactive-keep read -p 'name? ' name; echo "$name" >/name; tty; stty size
    SAVE ARTIFACT /name AS LOCAL name
drop:
    RUN --interactive echo dropped >/dropped; read -p 'go? ' go
    RUN test ! -e /dropped
""")
        terminal = self.terminal("+keep", rows=33, columns=101)
        terminal.wait_for("name? ")
        terminal.type("Ada\n")
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.assertEqual((self.work / "name").read_text(), "Ada\n")
        self.assertIn("/dev/pts/0", terminal.text)
        self.assertIn("33 101", terminal.text)

    def test_resizing_reaches_the_step_and_ctrl_c_is_its_own(self):
        self.write("Earthfile", """VERSION 0.8
FROM box:1
test:
    RUN --interactive-keep trap 'echo interrupted; exit 0' INT; echo ready; while true; do sleep 1; done
size:
    RUN --interactive-keep echo ready; until [ "$(stty size)" = "44 66" ]; do sleep 0.1; done; echo resized
""")
        terminal = self.terminal("+test")
        terminal.wait_for("ready\r\n")
        terminal.type("\x03")
        terminal.wait_for("interrupted")
        self.assertEqual(terminal.end(), 0, terminal.text)
        terminal = self.terminal("+size")
        terminal.wait_for("ready\r\n")
        terminal.resize(44, 66)
        terminal.wait_for("resized")
        self.assertEqual(terminal.end(), 0, terminal.text)

    def test_a_shell_in_a_failed_step_has_its_mounts_environment_and_secrets(self):
        self.write("Earthfile", """VERSION 0.8
FROM box:1
test:
    ARG who=world
    WORKDIR /here
    RUN --secret TOKEN --mount=type=cache,target=/cache echo cached >/cache/file; echo left >/here/file; exit 3
""")
        terminal = self.terminal("-i", "--secret", "TOKEN=s3cret", "+test")
        terminal.wait_for("the terminal is this step's")
        terminal.type("echo \"<$who:$TOKEN:$(cat /cache/file):$(cat file):$PWD>\"\n")
        terminal.wait_for("<world:s3cret:cached:left:/here>")
        terminal.type("exit 9\n")
        self.assertEqual(terminal.end(), 1, terminal.text)
        self.assertIn("Exit code 3", terminal.text)
        self.assertEqual(self.leftovers(), {"mounts": [], "cgroups": [], "processes": []})

    def test_the_same_for_a_dockerfile(self):
        self.write("Dockerfile", "FROM box:1\nENV who=docker\nRUN --mount=type=tmpfs,target=/t echo left >/file; false\n")
        terminal = self.terminal("build", "--progress=plain", "-i", ".")
        terminal.wait_for("the terminal is this step's")
        terminal.type("echo \"<$who:$(cat /file)>\"; grep -c ' /t tmpfs' /proc/mounts; exit\n")
        terminal.wait_for("<docker:left>\r\n1\r\n")
        self.assertEqual(terminal.end(), 1, terminal.text)

    def test_without_a_terminal_it_is_refused(self):
        self.write("Earthfile", "VERSION 0.8\nFROM box:1\ntest:\n    RUN --interactive sh\n")
        refused = self.loam("build", "+test", check=1)
        self.assertIn("needs a terminal", refused.err)
        self.assertIn("needs a terminal", self.loam("build", "-i", "+test", check=2).err)


class InteractiveOnRunc(Interactive):
    runtime = "runc"


if __name__ == "__main__":
    support.main()
