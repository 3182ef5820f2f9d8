"""Servers on loopback for tests of remote sources: git repositories over HTTP (git http-backend) and over git's own
protocol, and files over HTTP with ETags, redirects, authorisation and several ways to go wrong."""
import base64
import contextlib
import email.utils
import hashlib
import http.server
import os
import pathlib
import socket
import subprocess
import threading
import urllib.parse

from support import free_port, need, wait_for

GIT_ENV = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent",
           "GIT_AUTHOR_NAME": "A U Thor", "GIT_AUTHOR_EMAIL": "author@example.com", "GIT_AUTHOR_DATE": "1600000000 +0000",
           "GIT_COMMITTER_NAME": "C O Mitter", "GIT_COMMITTER_EMAIL": "committer@example.com",
           "GIT_COMMITTER_DATE": "1700000000 +0000"}


class Repository:
    """A repository with a work tree at `path`, served as `path/.git` or, bare, as a link NAME.git beside it."""

    def __init__(self, path, *init):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", *init)
        self.git("config", "http.receivepack", "false")

    def git(self, *args):
        done = subprocess.run(["git", "-C", str(self.path), *args], env={"PATH": os.environ["PATH"], **GIT_ENV},
                              capture_output=True, text=True)
        assert done.returncode == 0, f"git {args}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, message="change", **files):
        """Writes files (a__b.txt is a/b.txt) and commits everything; returns the commit's id."""
        for name, text in files.items():
            self.write(name.replace("__", "/"), text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def answer(self):
        server = self.server
        url = urllib.parse.urlsplit(self.path)
        server.requests.append((self.command, self.path, dict(self.headers)))
        wanted = server.auth.get(url.path.split("/")[1])
        if wanted is not None and self.headers.get("Authorization") != wanted:
            return self.reply(401, b"no", {"WWW-Authenticate": 'Basic realm="test"'})
        if ".git/" in url.path:
            return self.git_backend(url)
        file = server.files.get(url.path)
        if file is None:
            return self.reply(404, b"no such file")
        return file(self)

    def reply(self, status, body, headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if length is not None and length > len(body):
            self.close_connection = True

    def git_backend(self, url):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        env = {"PATH": os.environ["PATH"], **GIT_ENV, "GIT_PROJECT_ROOT": str(self.server.git_root),
               "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": url.path, "QUERY_STRING": url.query,
               "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
               "CONTENT_LENGTH": str(len(body)), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_ADDR": "127.0.0.1",
               "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        status, headers = 200, {}
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers[name] = value
        self.reply(status, answer, headers)


class WebServer(http.server.ThreadingHTTPServer):
    """`files` maps paths to functions of the handler; `auth` the first element of a path to the header it wants."""
    daemon_threads = True

    def __init__(self, git_root=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.git_root = git_root
        self.files, self.auth, self.requests = {}, {}, []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the tests

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def methods(self, path):
        return [method for method, got, _ in self.requests if got.split("?")[0] == path]

    def add(self, path, body, etag=None, modified=None, **headers):
        """A file; with an ETag or a time it answers questions about them."""
        if isinstance(body, str):
            body = body.encode()
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        if etag is not None:
            more["ETag"] = etag
        if modified is not None:
            more["Last-Modified"] = email.utils.formatdate(modified, usegmt=True)

        def answer(handler):
            known = [part.strip() for part in handler.headers.get("If-None-Match", "").split(",")]
            if etag is not None and etag in known:
                return handler.reply(304, b"", {"ETag": etag})
            if etag is None and modified is not None and handler.headers.get("If-Modified-Since") == more["Last-Modified"]:
                return handler.reply(304, b"")
            return handler.reply(200, body, more)
        self.files[path] = answer
        return self.url + path


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def sha256(data):
    return "sha256:" + hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def start_git_daemon(case, root):
    """git's own protocol; returns "git://127.0.0.1:PORT"."""
    core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    need(os.path.exists(core + "/git-daemon"), "needs git daemon")
    port = free_port()
    process = subprocess.Popen([core + "/git-daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}",
                                f"--base-path={root}", str(root)],
                               env={"PATH": os.environ["PATH"], **GIT_ENV, "GIT_CONFIG_COUNT": "1",
                                    "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.addCleanup(process.wait)
    case.addCleanup(process.terminate)

    def answers():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
    wait_for(answers, "git daemon answering")
    return f"git://127.0.0.1:{port}"
