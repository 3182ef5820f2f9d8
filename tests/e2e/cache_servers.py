"""Servers on loopback that keep build caches as clouds do: S3 (signature version 4), Azure Blob Storage (shared key) and
GitHub Actions' cache service (both versions of its API). Signatures and tokens are checked as the real services do."""
import base64
import email.utils
import hashlib
import hmac
import http.server
import json
import re
import threading
import urllib.parse


class CacheServer:
    """A threaded server; `objects` is what it keeps, `refused` the requests that it turned away and why."""

    def __init__(self, handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.owner = self
        self.objects, self.refused, self.requests = {}, [], []
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    @property
    def owner(self):
        return self.server.owner

    def handle_request(self):
        self.split = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.split.query, keep_blank_values=True))
        self.key = urllib.parse.unquote(self.split.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.owner.requests.append((self.command, self.path))
        self.answer()

    do_GET = do_PUT = do_HEAD = do_POST = do_PATCH = do_DELETE = handle_request

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, why):
        self.owner.refused.append((self.command, self.path, why))
        self.reply(status, f"<Error><Message>{why}</Message></Error>".encode(), x_ms_error_code=why)

    def send_object(self):
        found = self.owner.objects.get(self.key)
        if found is None:
            return self.reply(404)
        data, modified = found
        self.reply(200, data, Last_Modified=modified)

    def keep(self, data):
        with self.owner.lock:
            self.owner.objects[self.key] = (data, email.utils.formatdate(usegmt=True))


class S3Handler(Handler):
    def signature(self):
        """What the Authorization header must say, from the request as it came (docs: "Signature Calculations")."""
        fields = dict(re.findall(r"(\w+)=([^, ]+)", self.headers.get("Authorization", "")))
        names = fields.get("SignedHeaders", "").split(";")
        canonical = "\n".join([self.command, self.split.path, self.split.query,
                               *(f"{name}:{self.headers.get(name, '').strip()}" for name in names), "",
                               ";".join(names), self.headers.get("x-amz-content-sha256", "")])
        _, day, region, service, end = fields.get("Credential", "////").split("/")
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers.get("x-amz-date", ""), "/".join([day, region, service, end]),
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + self.owner.secret.encode()
        for part in (day, region, service, end):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return fields.get("Signature"), hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def answer(self):
        given, expected = self.signature()
        if given != expected:
            return self.refuse(403, "SignatureDoesNotMatch")
        if hashlib.sha256(self.body).hexdigest() != self.headers["x-amz-content-sha256"]:
            return self.refuse(400, "XAmzContentSHA256Mismatch")
        if self.command == "POST" and "uploads" in self.query:
            upload = f"up/{len(self.owner.uploads)} load"
            self.owner.uploads[upload] = {}
            return self.reply(200, f"<R><UploadId>{upload}</UploadId></R>".encode())
        if "uploadId" in self.query:
            return self.part(self.owner.uploads[self.query["uploadId"]])
        if self.command == "PUT":
            source = self.headers.get("x-amz-copy-source")
            self.keep(self.body if source is None else self.owner.objects["/" + urllib.parse.unquote(source)][0])
            return self.reply(200)
        self.send_object()

    def part(self, parts):
        """Of an upload in parts, of at least 5 MiB but for the last."""
        if self.command == "DELETE":
            parts.clear()
            return self.reply(204)
        if self.command == "PUT":
            if self.owner.fail_part == self.query["partNumber"]:
                return self.refuse(500, "InternalError")
            etag = f'"{hashlib.md5(self.body).hexdigest()}"'
            parts[etag] = (int(self.query["partNumber"]), self.body)
            return self.reply(200, ETag=etag)
        named = re.findall(r"<Part><PartNumber>(\d+)</PartNumber><ETag>(.*?)</ETag></Part>", self.body.decode())
        bodies = [parts[etag] for _, etag in named]
        if [number for number, _ in bodies] != list(range(1, len(parts) + 1)):
            return self.refuse(400, "InvalidPart")
        if any(len(body) < 5 << 20 for _, body in bodies[:-1]):
            return self.refuse(400, "EntityTooSmall")
        self.keep(b"".join(body for _, body in bodies))
        self.owner.in_parts += 1
        self.reply(200, b"<CompleteMultipartUploadResult/>")


class S3Server(CacheServer):
    def __init__(self, secret="top/secret"):
        super().__init__(S3Handler)
        self.secret, self.uploads, self.in_parts, self.fail_part = secret, {}, 0, None

    def attributes(self, **more):
        fields = {"type": "s3", "bucket": "my-bucket", "region": "eu-test-1", "endpoint_url": self.url, "use_path_style": "true",
                  "access_key_id": "AKID", "secret_access_key": self.secret, **more}
        return ",".join(f"{k}={v}" for k, v in fields.items())


class AzureHandler(Handler):
    def answer(self):
        headers = {k.lower(): v for k, v in self.headers.items()}
        length = headers.get("content-length", "")
        text = [self.command, "", "", "" if length == "0" else length, "", headers.get("content-type", ""), "", "", "",
                headers.get("if-none-match", ""), "", ""]
        text += [f"{k}:{headers[k]}" for k in sorted(headers) if k.startswith("x-ms-")]
        text.append(f"/{self.owner.account}{self.split.path}" + "".join(f"\n{k}:{v}" for k, v in sorted(self.query.items())))
        mac = hmac.new(self.owner.key, "\n".join(text).encode(), hashlib.sha256).digest()
        if headers.get("authorization") != f"SharedKey {self.owner.account}:{base64.b64encode(mac).decode()}":
            return self.refuse(403, "AuthenticationFailed")
        if self.query.get("restype") == "container":
            if self.command == "PUT":
                self.owner.containers.add(self.key)
                return self.reply(201)
            return self.reply(200 if self.key in self.owner.containers else 404)
        if "/".join(self.key.split("/")[:3]) not in self.owner.containers:
            return self.refuse(404, "ContainerNotFound")
        if self.command != "PUT":
            return self.send_object()
        if headers.get("x-ms-blob-type") != "BlockBlob":
            return self.refuse(400, "InvalidHeaderValue")
        if headers.get("if-none-match") == "*" and self.key in self.owner.objects:
            return self.refuse(409, "BlobAlreadyExists")
        self.keep(self.body)
        self.reply(201)


class AzureServer(CacheServer):
    def __init__(self):
        super().__init__(AzureHandler)
        self.account, self.key, self.containers = "devstore", b"a shared key", set()

    def attributes(self, **more):
        fields = {"type": "azblob", "account_url": f"{self.url}/{self.account}", "account_name": self.account,
                  "secret_access_key": base64.b64encode(self.key).decode(), **more}
        return ",".join(f"{k}={v}" for k, v in fields.items())


class GhaHandler(Handler):
    """Entries are reserved, uploaded and committed; the newest whose key begins with what is asked is found."""

    def answer(self):
        blob = re.fullmatch(r"/blob/(\d+)", self.key)
        if blob:
            return self.blob(int(blob[1]))
        if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
            return self.refuse(401, "Unauthorized")
        twirp = re.fullmatch(r"/twirp/github.actions.results.api.v1.CacheService/(\w+)", self.key)
        asked = json.loads(self.body) if self.body and self.command == "POST" else {}
        if twirp:
            answer = getattr(self, twirp[1])(asked)
            return None if answer is None else self.say(answer)
        if self.key == "/_apis/artifactcache/cache":
            entry = self.owner.find(self.query["keys"], self.query["version"])
            if entry is None:
                return self.reply(204)
            return self.say({"cacheKey": entry["key"], "archiveLocation": f"{self.owner.url}/blob/{entry['id']}"})
        if self.key == "/_apis/artifactcache/caches":
            entry = self.owner.reserve(asked["key"], asked["version"])
            if entry is None:
                return self.say({"message": "Cache already exists.", "typeKey": "ArtifactCacheItemAlreadyExistsException"}, 409)
            return self.say({"cacheId": entry["id"]})
        entry = self.owner.entries[int(self.key.rsplit("/", 1)[1]) - 1]
        if self.command == "PATCH":
            start = int(re.match(r"bytes (\d+)-", self.headers["Content-Range"])[1])
            assert start == len(entry["data"]), "parts in order"
            entry["data"] += self.body
            return self.reply(204)
        assert asked["size"] == len(entry["data"]), asked
        entry["done"] = True
        self.reply(204)

    def say(self, answer, status=200):
        self.reply(status, json.dumps(answer).encode(), Content_Type="application/json")

    def blob(self, number):
        entry = self.owner.entries[number - 1]
        if self.command == "GET":
            return self.reply(200, entry["data"])
        if self.query["comp"] == "block":
            entry["blocks"][self.query["blockid"]] = self.body
        else:
            entry["data"] = b"".join(entry["blocks"][i] for i in re.findall(r"<Latest>(.*?)</Latest>", self.body.decode()))
        self.reply(201)

    def CreateCacheEntry(self, asked):
        entry = self.owner.reserve(asked["key"], asked["version"])
        if entry is None:
            self.reply(409, b'{"code":"already_exists","msg":"cache entry with the same key already exists"}')
            return None
        return {"ok": True, "signed_upload_url": f"{self.owner.url}/blob/{entry['id']}?sig=x"}

    def FinalizeCacheEntryUpload(self, asked):
        for entry in self.owner.entries:
            if entry["key"] == asked["key"] and entry["version"] == asked["version"]:
                assert int(asked["size_bytes"]) == len(entry["data"]), asked
                entry["done"] = True
                return {"ok": True, "entry_id": str(entry["id"])}
        return {"ok": False}

    def GetCacheEntryDownloadURL(self, asked):
        entry = self.owner.find(asked["key"], asked["version"])
        if entry is None:
            return {"ok": False}
        return {"ok": True, "matched_key": entry["key"], "signed_download_url": f"{self.owner.url}/blob/{entry['id']}?sig=x"}


class GhaServer(CacheServer):
    def __init__(self):
        super().__init__(GhaHandler)
        self.entries = []
        claims = {"ac": json.dumps([{"Scope": "refs/heads/topic", "Permission": 3}, {"Scope": "refs/heads/main", "Permission": 1}]),
                  "exp": 4102444800, "nbf": 0}
        self.token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                              for part in ({"alg": "none"}, claims, {}))

    def reserve(self, key, version):
        with self.lock:
            if any(e["key"] == key and e["version"] == version for e in self.entries):
                return None
            self.entries.append({"id": len(self.entries) + 1, "key": key, "version": version, "data": b"", "blocks": {}, "done": False})
            return self.entries[-1]

    def find(self, key, version):
        with self.lock:
            found = [e for e in self.entries if e["done"] and e["version"] == version and e["key"].startswith(key)]
            return found[-1] if found else None

    def attributes(self, version, **more):
        fields = {"type": "gha", "token": self.token, "url" if version == 1 else "url_v2": self.url + "/",
                  "version": str(version), **more}
        return ",".join(f"{k}={v}" for k, v in fields.items())
