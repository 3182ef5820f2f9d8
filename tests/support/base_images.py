"""Base images for tests, made on the spot of Debian's static busybox, and a registry on loopback that serves them under
the names that build files use (alpine:3.18, busybox:1.32.1, ...): no test needs the internet."""
import contextlib
import gzip
import hashlib
import io
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.request

ALPINE_PASSWD = b"""root:x:0:0:root:/root:/bin/ash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
ALPINE_GROUP = b"root:x:0:root\nbin:x:1:root,bin,daemon\ndaemon:x:2:root,bin,daemon\nadm:x:4:root\nnogroup:x:65533:\nnobody:x:65534:\n"
# A script instead of a package manager: what the tests ask it to install is not there, and nothing may be downloaded.
APK = b"#!/bin/sh\necho 'no packages in this image' >&2\nexit 1\n"
# Debian's busybox has no adduser and addgroup; these do what the tests ask of them.
ADDUSER = rb"""#!/bin/sh
first=1000 home= uid= shell=/bin/sh make=1 group=
while [ $# -gt 0 ]; do
  case $1 in
    -S|--system|-r) first=100; shell=/sbin/nologin;;
    -h|--home) home=$2; shift;;
    -u|--uid) uid=$2; shift;;
    -s|--shell) shell=$2; shift;;
    -G|--ingroup) group=$2; shift;;
    -g|--gecos) shift;;
    -H|--no-create-home) make=;;
    -*) ;;
    *) name=$1;;
  esac
  shift
done
[ -n "$name" ] || { echo "usage: adduser NAME" >&2; exit 1; }
grep -q "^$name:" /etc/passwd && { echo "adduser: user '$name' in use" >&2; exit 1; }
if [ -z "$uid" ]; then uid=$first; while grep -q "^[^:]*:[^:]*:$uid:" /etc/passwd; do uid=$((uid + 1)); done; fi
home=${home:-/home/$name}
if [ -n "$group" ]; then gid=$(grep "^$group:" /etc/group | cut -d: -f3)
else gid=$uid; grep -q "^$name:" /etc/group || echo "$name:x:$gid:" >>/etc/group; fi
echo "$name:x:$uid:$gid::$home:$shell" >>/etc/passwd
if [ -n "$make" ]; then mkdir -p "$home" && chown "$uid:$gid" "$home"; fi
"""
ADDGROUP = rb"""#!/bin/sh
gid= first=1000
while [ $# -gt 0 ]; do
  case $1 in -g) gid=$2; shift;; -S|--system) first=100;; -*) ;; *) name=${name:-$1};; esac
  shift
done
if [ -z "$gid" ]; then gid=$first; while grep -q "^[^:]*:[^:]*:$gid:" /etc/group; do gid=$((gid + 1)); done; fi
echo "$name:x:$gid:" >>/etc/group
"""
EPOCH = 1587038400  # files of the images have one time, so that the images are the same on every machine


def rootfs(files, busybox=None, version=None):
    """The bytes of a layer: busybox with a link for every applet, the usual directories, and `files` (path -> (mode,
    contents)). `version`: what busybox says it is, as long as its own version ("1.32.1")."""
    busybox = busybox or shutil.which("busybox")
    if busybox is None:
        raise RuntimeError("needs the package busybox-static")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    program = pathlib.Path(busybox).read_bytes()
    if version is not None:
        program = re.sub(rb"BusyBox v\d+\.\d\d\.\d", b"BusyBox v" + version.encode(), program)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        def add(name, kind, mode=0o755, data=b"", linkname=""):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, len(data), linkname, EPOCH
            tar.addfile(info, io.BytesIO(data))
        for folder in ("bin", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys",
                       "tmp", "usr", "usr/bin", "usr/lib", "usr/local", "usr/local/bin", "usr/sbin", "usr/share", "var",
                       "var/lib", "var/log", "var/tmp"):
            add(folder, tarfile.DIRTYPE, 0o1777 if folder.endswith("tmp") else 0o700 if folder == "root" else 0o755)
        add("bin/busybox", tarfile.REGTYPE, data=program)
        for applet in sorted(applets):
            if applet != "busybox" and not {f"bin/{applet}", f"sbin/{applet}"} & set(files):
                add("bin/" + applet, tarfile.SYMTYPE, linkname="/bin/busybox")
        add("usr/bin/env", tarfile.SYMTYPE, linkname="/bin/busybox")
        for path, (mode, data) in sorted(files.items()):
            add(path, tarfile.REGTYPE, mode, data)
    return out.getvalue()


def alpine_rootfs(version):
    full = version if version.count(".") > 1 else version + ".0"
    release = f'NAME="Alpine Linux"\nID=alpine\nVERSION_ID={full}\nPRETTY_NAME="Alpine Linux v{version}"\n'
    return rootfs({"etc/os-release": (0o644, release.encode()), "etc/alpine-release": (0o644, (full + "\n").encode()),
                   "etc/passwd": (0o644, ALPINE_PASSWD), "etc/group": (0o644, ALPINE_GROUP),
                   "etc/motd": (0o644, b"Welcome to Alpine!\n"), "etc/hosts": (0o644, b"127.0.0.1 localhost\n"),
                   "sbin/apk": (0o755, APK), "usr/sbin/adduser": (0o755, ADDUSER),
                   "usr/sbin/addgroup": (0o755, ADDGROUP)})


def busybox_rootfs(version=None):
    return rootfs({"etc/passwd": (0o644, ALPINE_PASSWD), "etc/group": (0o644, ALPINE_GROUP)}, version=version)


class Registry:
    """docker-registry on a free port of 127.0.0.1; use it in a `with`."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="loam-test-registry-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = "127.0.0.1:%d" % probe.getsockname()[1]
        config = pathlib.Path(self.directory, "config.yml")
        config.write_text(json.dumps({
            "version": 0.1, "log": {"level": "error"}, "http": {"addr": self.host},
            "storage": {"filesystem": {"rootdirectory": self.directory + "/data"}, "delete": {"enabled": True}}}))
        self.log = open(self.directory + "/log", "wb")
        self.process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=self.log, stderr=self.log)

    def __enter__(self):
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(f"http://{self.host}/v2/", timeout=1).status == 200:
                    return self
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.__exit__()
                raise RuntimeError("docker-registry does not start")
            time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _send(self, method, path, data=None, content_type="application/octet-stream"):
        url = path if path.startswith("http") else f"http://{self.host}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.headers

    def _blob(self, repository, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        location = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"")["Location"]
        self._send("PUT", location + ("&" if "?" in location else "?") + "digest=" + digest, data)
        return digest

    def push(self, repository, tags, layer, config=None):
        """An image of one layer (an uncompressed tar) for linux/amd64, under several tags."""
        packed = gzip.compress(layer, 1, mtime=0)
        image = {"architecture": "amd64", "os": "linux", "created": "2020-04-16T12:00:00Z",
                 "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["/bin/sh"],
                            **(config or {})},
                 "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
                 "history": [{"created": "2020-04-16T12:00:00Z", "created_by": "test"}]}
        encoded = json.dumps(image).encode()
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(encoded),
                               "digest": self._blob(repository, encoded)},
                    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": len(packed),
                                "digest": self._blob(repository, packed)}]}
        for tag in tags:
            self._send("PUT", f"/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(), manifest["mediaType"])

    def push_alpine(self, *versions, latest="3.24.1"):
        for version in versions:
            self.push("library/alpine", [version] + (["latest"] if version == latest else []), alpine_rootfs(version))

    def push_busybox(self, *tags):
        for tag in tags:
            version = tag if tag.count(".") == 2 else tag + ".1" if tag.count(".") == 1 else None
            self.push("library/busybox", [tag], busybox_rootfs(version), {"Cmd": ["sh"]})

    def mirror_config(self):
        """A loam configuration file that finds Docker Hub's names here."""
        return f'[registry."docker.io"]\nmirrors = ["{self.host}"]\n[registry."{self.host}"]\nhttp = true\n'
