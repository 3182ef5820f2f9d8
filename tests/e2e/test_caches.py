"""Caches that are kept elsewhere: written by one state root, found by another."""
import json
import os
import re
import shutil

from cache_servers import AzureServer, GhaServer, S3Server
from support import LoamCase, main
from test_caching import steps_that_ran

CONFIG = "application/vnd.buildkit.cacheconfig.v0"


class RemoteCaches(LoamCase):
    def setUp(self):
        super().setUp()
        self.roots = 0
        self.rootfs = self.busybox_rootfs()

    def new_root(self):
        """Another machine: nothing of earlier builds is there."""
        self.roots += 1
        self.root = self.base / f"root{self.roots}"
        self.loam("image", "import", "--tag", "busybox", self.rootfs, check=0)

    def dockerfile(self):
        self.write("Dockerfile", """FROM busybox AS tool
RUN head -c 100000 /dev/urandom > /tool
FROM busybox AS compile
COPY main.c /
COPY --from=tool /tool /tool
RUN head -c 8 /dev/urandom | od -An -tx1 > /program; cat main.c >> /program
FROM busybox
COPY --from=compile /program /
RUN cat /program > /copy
""")
        self.write("main.c", "text\n")

    def program(self):
        return (self.work / "out/copy").read_text()

    def tag_digest(self, folder, tag="latest"):
        index = json.loads((self.work / folder / "index.json").read_text())
        [found] = [m for m in index["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == tag]
        return found["digest"]

    def blob(self, folder, digest):
        return json.loads((self.work / folder / "blobs/sha256" / digest.split(":")[1]).read_text())

    def check_max(self, to, source):
        """A cache of mode max: all steps are found in it, and the changed ones only run again."""
        self.dockerfile()
        self.new_root()
        done = self.build("-o", "out", "--cache-to", to, ".")
        self.assertEqual(len(steps_that_ran(done)), 3, done)
        made = self.program()
        self.new_root()
        done = self.build("-o", "out", "--cache-from", source, ".")
        self.assertEqual(steps_that_ran(done), set(), done)
        self.assertEqual(self.program(), made)
        self.assertIn("importing cache manifest from", done.err)
        self.write("main.c", "other\n")
        done = self.build("-o", "out", "--cache-from", source, ".")
        ran = steps_that_ran(done)
        self.assertEqual(len(ran), 2, done)  # not the one of the stage `tool`
        return made

    def test_local_max(self):
        self.check_max("type=local,dest=cache,mode=max", "type=local,src=cache")
        manifest = self.blob("cache", self.tag_digest("cache"))
        self.assertEqual(manifest["config"]["mediaType"], CONFIG)
        for layer in manifest["layers"]:
            self.assertEqual(set(layer["annotations"]), {"buildkit/createdat", "containerd.io/uncompressed"})
        config = self.blob("cache", manifest["config"]["digest"])
        self.assertEqual([l["blob"] for l in config["layers"]], [l["digest"] for l in manifest["layers"]])

    def test_what_came_from_a_cache_stays_without_it(self):
        self.check_max("type=local,dest=cache,mode=max", "type=local,src=cache")
        shutil.rmtree(self.work / "cache")
        done = self.build("-o", "out", ".")
        self.assertEqual(steps_that_ran(done), set(), done)

    def test_local_min_keeps_only_the_result(self):
        self.dockerfile()
        self.new_root()
        self.build("-o", "out", "--cache-to", "type=local,dest=cache,mode=min", ".")
        made = self.program()
        self.new_root()
        done = self.build("-o", "out", "--cache-from", "type=local,src=cache", ".")
        self.assertEqual(steps_that_ran(done), set(), done)
        self.assertEqual(self.program(), made)
        self.write("main.c", "other\n")
        # The earlier stages have no results in the cache.
        self.assertEqual(len(steps_that_ran(self.build("-o", "out", "--cache-from", "type=local,src=cache", "."))), 3)

    def test_local_tags_and_other_forms(self):
        self.dockerfile()
        self.new_root()
        self.build("--cache-to", "type=local,dest=cache,tag=a,image-manifest=false,compression=zstd,force-compression=true",
                   "--cache-to", "type=local,dest=cache,tag=b,oci-mediatypes=false", ".")
        a = self.blob("cache", self.tag_digest("cache", "a"))
        self.assertEqual(a["mediaType"], "application/vnd.oci.image.index.v1+json")
        self.assertEqual(a["manifests"][-1]["mediaType"], CONFIG)
        self.assertEqual({m["mediaType"] for m in a["manifests"][:-1]}, {"application/vnd.oci.image.layer.v1.tar+zstd"})
        b = self.blob("cache", self.tag_digest("cache", "b"))
        self.assertEqual(b["mediaType"], "application/vnd.docker.distribution.manifest.list.v2+json")
        for tag in "ab":
            self.new_root()
            done = self.build("--cache-from", f"type=local,src=cache,tag={tag}", ".")
            self.assertEqual(steps_that_ran(done), set(), done)

    def test_an_import_is_exported_again(self):
        """What a build found in one cache and did not need itself goes into the next one, too."""
        self.dockerfile()
        self.new_root()
        self.build("-o", "out", "--cache-to", "type=local,dest=a,mode=max", ".")
        made = self.program()
        self.new_root()
        done = self.build("--cache-from", "type=local,src=a", "--cache-to", "type=local,dest=b,mode=max", ".")
        self.assertEqual(steps_that_ran(done), set(), done)
        a, b = ({r["digest"] for r in self.blob(name, self.blob(name, self.tag_digest(name))["config"]["digest"])["records"]}
                for name in "ab")
        self.assertLessEqual(a, b)  # the base image has another digest there, too
        shutil.rmtree(self.work / "a")
        self.new_root()
        done = self.build("-o", "out", "--cache-from", "type=local,src=b", ".")
        self.assertEqual(steps_that_ran(done), set(), done)
        self.assertEqual(self.program(), made)
        self.write("main.c", "other\n")
        done = self.build("-o", "out", "--cache-from", "type=local,src=b", ".")
        self.assertEqual(len(steps_that_ran(done)), 2, done)  # not the one of the stage `tool`

    def test_a_cache_that_lost_a_layer_is_exported_without_it(self):
        self.dockerfile()
        self.new_root()
        self.build("--cache-to", "type=local,dest=a,mode=max", ".")
        manifest = self.blob("a", self.tag_digest("a"))
        sizes = {layer["digest"]: layer["size"] for layer in manifest["layers"]}
        config = self.blob("a", manifest["config"]["digest"])
        # That of `tool`: 100 kB of random bytes on top of the base.
        lost = min((l["blob"] for l in config["layers"] if sizes[l["blob"]] > 100000 and l.get("parent", -1) >= 0))
        (self.work / "a/blobs/sha256" / lost.split(":")[1]).unlink()
        self.new_root()
        done = self.build("--cache-from", "type=local,src=a", "--cache-to", "type=local,dest=b,mode=max", ".")
        self.assertEqual(steps_that_ran(done), set(), done)
        again = self.blob("b", self.blob("b", self.tag_digest("b"))["config"]["digest"])
        self.assertNotIn(lost, [l["blob"] for l in again["layers"]])
        self.assertLessEqual({r["digest"] for r in config["records"]}, {r["digest"] for r in again["records"]})

    def test_found_by_content(self):
        """Another base image with equal files: only the content's key is the same."""
        self.write("Dockerfile", "ARG BASE=scratch\nFROM ${BASE} AS files\nCOPY data /data\nFROM busybox\nCOPY --from=files /data /\nRUN date +%N > /made\n")
        self.write("data/f", "f")
        self.new_root()
        self.build("-o", "out", "--cache-to", "type=local,dest=cache,mode=max", ".")
        made = (self.work / "out/made").read_text()
        # A second export, by a build that found everything by definition, still has the keys by content.
        self.build("--cache-to", "type=local,dest=cache2,mode=max", ".")
        for cache in ("cache", "cache2"):
            self.new_root()
            done = self.build("-o", "out", "--build-arg", "BASE=busybox", "--cache-from", f"type=local,src={cache}", ".")
            self.assertEqual(steps_that_ran(done), set(), done)
            self.assertEqual((self.work / "out/made").read_text(), made)

    def test_registry(self):
        registry = self.start_registry()
        ref = f"{registry}/cache:1"
        self.check_max(f"type=registry,ref={ref},mode=max", f"type=registry,ref={ref}")
        # A name alone is a registry's, too.
        self.new_root()
        self.write("main.c", "text\n")
        self.assertEqual(steps_that_ran(self.build("--cache-from", ref, ".")), set())

    def test_inline(self):
        registry = self.start_registry()
        image = f"{registry}/app:1"
        self.dockerfile()
        self.new_root()
        self.build("-t", image, "--push", "--cache-to", "type=inline", ".")
        self.build("-o", "out", ".")
        made = self.program()
        self.new_root()
        done = self.build("-o", "out", "--cache-from", image, ".")
        self.assertEqual(steps_that_ran(done), set(), done)
        self.assertEqual(self.program(), made)
        # Made from it, with its cache again: the same image. (The base is one that is the same everywhere.)
        self.build("-t", f"{registry}/base:1", "--push", "-f", "-", ".", stdin=b"FROM busybox\nLABEL a=b\n")
        text = (self.work / "Dockerfile").read_text()
        self.write("Dockerfile", text.replace("FROM busybox", f"FROM {registry}/base:1"))
        def digest(*more):
            self.build("-t", image, "--push", "--cache-to", "type=inline", "--metadata-file", "../meta.json", *more, ".")
            return json.loads((self.base / "meta.json").read_text())["containerimage.digest"]
        first = digest()
        self.new_root()
        self.assertEqual(digest("--cache-from", image), first)
        # Without inline cache the image holds none.
        self.build("-o", "type=oci,dest=plain.tar", ".")
        self.assertNotIn(b"moby.buildkit.cache.v0", (self.work / "plain.tar").read_bytes())

    def test_s3(self):
        server = S3Server()
        self.addCleanup(server.stop)
        attributes = server.attributes(name="one;two")
        self.check_max(attributes + ",mode=max", attributes)
        self.assertEqual(server.refused, [])
        self.assertIn("/my-bucket/manifests/one", server.objects)
        self.assertIn("/my-bucket/manifests/two", server.objects)
        self.assertTrue(all(re.match(r"/my-bucket/(manifests/|blobs/sha256:)", key) for key in server.objects), server.objects.keys())

    def test_s3_large_layers_go_in_parts(self):
        server = S3Server()
        self.addCleanup(server.stop)
        self.write("Dockerfile", "FROM scratch\nCOPY large /\n")
        self.write("large", os.urandom(65 << 20))
        self.new_root()
        plain = server.attributes() + ",mode=max,compression=uncompressed"
        server.fail_part = "2"
        self.assertIn("InternalError", self.build("--cache-to", plain, ".", check=1).err)
        self.assertEqual([parts for parts in server.uploads.values() if parts], [], "nothing is left of it")
        server.fail_part = None
        server.refused.clear()
        self.build("--cache-to", plain, ".")
        self.assertEqual((server.refused, server.in_parts), ([], 1))
        self.new_root()
        again = self.build("--cache-from", server.attributes(), "-o", "out", ".")
        self.assertEqual(steps_that_ran(again), set())
        self.assertEqual((self.work / "out/large").read_bytes(), (self.work / "large").read_bytes())

    def test_s3_says_what_is_wrong(self):
        server = S3Server()
        self.addCleanup(server.stop)
        self.dockerfile()
        self.new_root()
        done = self.build("--cache-to", server.attributes(secret_access_key="wrong"), ".", check=1)
        self.assertIn("SignatureDoesNotMatch", done.err)
        done = self.build("--cache-to", server.attributes(secret_access_key="wrong") + ",ignore-error=true", ".")
        done = self.build("--cache-to", "type=s3,region=x", ".", check=1)
        self.assertIn("bucket", done.err)

    def test_azure(self):
        server = AzureServer()
        self.addCleanup(server.stop)
        attributes = server.attributes(prefix="here")
        self.check_max(attributes + ",mode=max", attributes)
        self.assertEqual(server.refused, [])
        self.assertIn("/devstore/buildkit-cache/here/manifests/buildkit", server.objects)

    def test_github_actions(self):
        for version in (1, 2):
            with self.subTest(version=version):
                server = GhaServer()
                self.addCleanup(server.stop)
                attributes = server.attributes(version, scope="app")
                self.check_max(attributes + ",mode=max", attributes)
                self.assertEqual(server.refused, [])
                self.assertTrue(any(e["key"].startswith("index-app-1-") for e in server.entries), server.entries)
                # A second export is a newer index.
                self.build("--cache-to", attributes + ",mode=max", ".")
                self.assertTrue(any(e["key"].endswith("#2") for e in server.entries))

    def test_mistakes(self):
        self.write("Dockerfile", "FROM busybox\nRUN true\n")
        self.new_root()
        for flag, says in (("--cache-to=type=local", "dest=DIRECTORY"), ("--cache-to=type=nothing", "unknown cache exporter"),
                           ("--cache-to=type=registry", "missing ref"), ("--cache-from=a=b", "has no type"),
                           ("--cache-to=type=local,dest=x,compression=lz", "compression")):
            with self.subTest(flag=flag):
                done = self.build(flag, ".", check=None)
                self.assertNotEqual(done.code, 0)
                self.assertIn(says, done.err)

    def test_an_import_that_cannot_be_read_is_shown_and_left_out(self):
        self.write("Dockerfile", "FROM busybox\nRUN echo hello\n")
        self.new_root()
        done = self.build("--cache-from", "127.0.0.1:1/none", ".")
        self.assertIn("ERROR: ", done.err)
        self.assertEqual(len(steps_that_ran(done)), 1)
        self.assertIn("no cache is imported", self.build("--cache-from", "type=local,src=nowhere", ".").err)


if __name__ == "__main__":
    main()
