"""Images as others see them: skopeo, umoci, Docker, registries; the local image store; reproducibility."""
import hashlib
import json
import os
import tarfile

from support import LoamCase, main, need_program


class Archives(LoamCase):
    def image(self):
        base = self.import_busybox()
        self.write("Dockerfile", f"""FROM {base}
COPY hello.sh /bin/hello
RUN rm /etc/group && mkdir -p /deep/er && ln /bin/hello /deep/er/hard && chown 1000:1000 /deep/er
ENV WHO=world
LABEL org.example.kind=test
USER user
ENTRYPOINT ["/bin/hello"]
""")
        self.write("hello.sh", "#!/bin/sh\necho \"hello $WHO from $(id -u)\"\n", 0o755)

    def test_skopeo_and_umoci_accept_every_compression(self):
        need_program("skopeo")
        need_program("umoci")
        self.image()
        for compression in ("gzip", "zstd", "uncompressed"):
            archive = self.work / f"{compression}.tar"
            self.build("-o", f"type=oci,dest={archive},name=x:1,compression={compression},force-compression=true", ".")
            info = json.loads(self.run_checked("skopeo", "inspect", f"oci-archive:{archive}"))
            self.assertEqual(info["Labels"], {"org.example.kind": "test"})
            config = json.loads(self.run_checked("skopeo", "inspect", "--config", f"oci-archive:{archive}"))
            self.assertEqual(config["config"]["Entrypoint"], ["/bin/hello"])
            self.assertEqual(len(config["rootfs"]["diff_ids"]), len([h for h in config["history"] if not h.get("empty_layer")]))
            self.run_checked("skopeo", "--insecure-policy", "copy", f"oci-archive:{archive}", f"dir:{self.base}/{compression}")
        self.build("-o", "type=oci,dest=layout,tar=false,name=x:1", ".")
        self.run_checked("umoci", "unpack", "--image", f"{self.work}/layout:1", self.base / "bundle")
        rootfs = self.base / "bundle/rootfs"
        self.assertFalse((rootfs / "etc/group").exists())
        self.assertTrue((rootfs / "etc/passwd").exists())
        self.assertEqual((rootfs / "deep/er/hard").read_text(), (rootfs / "bin/hello").read_text())
        self.assertEqual((rootfs / "deep/er").stat().st_uid, 1000)

    def test_docker_loads_and_runs_it(self):
        docker = self.start_dockerd()
        self.image()
        self.build("-t", "hello:1", "-o", "type=docker,dest=image.tar", ".")
        loaded = self.run_checked("docker", "load", "-i", self.work / "image.tar", env=docker)
        self.assertIn("hello:1", loaded)
        out = self.run_checked("docker", "run", "--rm", "--network=none", "hello:1", env=docker)
        self.assertEqual(out, "hello world from 1000\n")
        self.build("-t", "hello:2", "--load", ".", env=docker)
        out = self.run_checked("docker", "run", "--rm", "--network=none", "-e", "WHO=you", "hello:2", env=docker)
        self.assertEqual(out, "hello you from 1000\n")

    def test_docker_pulls_from_a_registry_on_loopback(self):
        docker = self.start_dockerd()
        self.image()
        def load(tag, *args, **more):
            self.build("-t", tag, "--load", "--metadata-file", "../meta.json", *args, ".", env=docker | more)
            meta = json.loads((self.base / "meta.json").read_text())
            return meta["docker.load.via"], int(meta["docker.load.layers-sent"])
        way, sent = load("hello:1", "--load-via=registry")
        self.assertEqual(way, "registry")
        self.assertGreater(sent, 0)
        out = self.run_checked("docker", "run", "--rm", "--network=none", "hello:1", env=docker)
        self.assertEqual(out, "hello world from 1000\n")
        # The name it was pulled by is gone, the image is there once.
        self.assertEqual(self.run_checked("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", env=docker).split(), ["hello:1"])
        # It is there: named, not sent.
        self.assertEqual(load("hello:2", "--load-via=registry"), ("none", 0))
        # What was pulled is known by its digest; only what is on top comes.
        with open(self.work / "Dockerfile", "a") as file:
            file.write("COPY Dockerfile /copy\n")
        self.assertEqual(load("hello:3", LOAM_LOAD_VIA="registry"), ("registry", 1))
        # The default sends an archive of what is missing.
        with open(self.work / "Dockerfile", "a") as file:
            file.write("COPY Dockerfile /copy2\n")
        self.assertEqual(load("hello:4"), ("archive", 2))

    def test_a_docker_that_does_not_reach_loopback_gets_an_archive(self):
        """As with Docker in a virtual machine: its daemon is in a network namespace of its own."""
        docker = self.start_dockerd(["unshare", "--net"])
        self.image()
        done = self.build("-t", "hello:1", "--load", "--load-via=registry", "--metadata-file", "../meta.json", ".", env=docker)
        self.assertIn("the daemon does not reach 127.0.0.1: sending an archive", done.err)
        self.assertEqual(json.loads((self.base / "meta.json").read_text())["docker.load.via"], "archive")
        self.assertIn("hello:1", self.run_checked("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", env=docker))

    def test_to_standard_output(self):
        self.image()
        done = self.build("-t", "hello:1", "-o", "type=docker,dest=-", ".", binary=True)
        (self.work / "out.tar").write_bytes(done.out)
        with tarfile.open(self.work / "out.tar") as tar:
            self.assertIn("manifest.json", tar.getnames())

    def test_local_and_tar(self):
        self.image()
        self.build("-o", "type=local,dest=out", ".")
        self.assertTrue((self.work / "out/bin/hello").exists())
        self.build("-o", "type=tar,dest=fs.tar", ".")
        with tarfile.open(self.work / "fs.tar") as tar:
            names = {n.removeprefix("./").strip("/") for n in tar.getnames()}
        self.assertIn("bin/hello", names)
        self.assertNotIn("etc/group", names)

    def test_reproducible_with_source_date_epoch(self):
        self.write("Dockerfile", "FROM scratch\nCOPY a /a\nCOPY b /b/\n")
        digests = set()
        for i in range(2):
            self.write("a", "A")
            self.write("b/c", "C")
            # Times after the epoch are set back to it; earlier ones are the input's own.
            os.utime(self.work / "a", (1_750_000_000 + i, 1_750_000_000 + i))
            self.loam("prune", "--all", check=0)
            self.build("-o", f"type=oci,dest=../out{i}.tar,rewrite-timestamp=true", ".",
                       env={"SOURCE_DATE_EPOCH": "1700000000"})
            digests.add(hashlib.sha256((self.base / f"out{i}.tar").read_bytes()).hexdigest())
        self.assertEqual(len(digests), 1)

    def test_iidfile_and_metadata(self):
        self.image()
        self.build("-t", "x:1", "--iidfile", "iid", "--metadata-file", "meta.json", ".")
        meta = json.loads((self.work / "meta.json").read_text())
        self.assertRegex(meta["containerimage.digest"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual((self.work / "iid").read_text(), meta["containerimage.config.digest"])


class Registry(LoamCase):
    def test_push_is_pulled_back_by_skopeo_and_by_loam(self):
        need_program("skopeo")
        registry = self.start_registry()
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nRUN echo pushed > /pushed\nCMD [\"cat\", \"/pushed\"]\n")
        self.build("-t", f"{registry}/team/app:1", "--push", "--metadata-file", "meta.json", ".")
        digest = json.loads((self.work / "meta.json").read_text())["containerimage.digest"]
        info = json.loads(self.run_checked("skopeo", "inspect", "--tls-verify=false", f"docker://{registry}/team/app:1"))
        self.assertEqual(info["Digest"], digest)
        self.run_checked("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false",
                         f"docker://{registry}/team/app:1", f"oci:{self.work}/copy:1")
        # Another state root has only the registry to take it from.
        self.root = self.base / "other-root"
        self.write("Dockerfile", f"FROM {registry}/team/app:1 AS app\nRUN cat /pushed > /again\n"
                                 "FROM scratch\nCOPY --from=app /again /\n")
        self.build("-o", "out", ".")
        self.assertEqual((self.work / "out/again").read_text(), "pushed\n")

    def test_mirror_from_the_configuration(self):
        registry = self.start_registry()
        self.import_busybox()
        self.build("-t", f"{registry}/library/mirrored:1", "--push", "-f", "-", ".", stdin=b"FROM busybox\nRUN echo m > /m\n")
        self.root = self.base / "other-root"
        config = self.write("config.toml", f"[registry.\"docker.io\"]\nmirrors = [\"{registry}\"]\n")
        self.write("Dockerfile", "FROM mirrored:1 AS m\nFROM scratch\nCOPY --from=m /m /m\n")
        self.build("-o", "out", ".", env={"LOAM_CONFIG": str(config)})
        self.assertEqual((self.work / "out/m").read_text(), "m\n")
        config.write_text("[registry.\"docker.io\"]\nmirors = []\n")
        done = self.build(".", env={"LOAM_CONFIG": str(config)}, check=1)
        self.assertIn("did you mean `mirrors`", done.err)

    def test_pushes_with_shared_layers(self):
        registry = self.start_registry()
        base = self.import_busybox()
        self.write("Dockerfile", f"FROM {base}\nCOPY a /a\n")
        for number in ("1", "2"):
            self.write("a", number)
            self.build("-t", f"{registry}/app:{number}", "--push", ".")
            self.run_checked("skopeo", "inspect", "--tls-verify=false", f"docker://{registry}/app:{number}")


class Store(LoamCase):
    def test_import_list_remove(self):
        self.import_busybox("base:1")
        self.assertIn("base:1", self.loam("image", "ls", check=0).out)
        self.write("Dockerfile", "FROM base:1\nRUN echo x > /x\n")
        self.build("-t", "one:1", "-o", "type=oci,dest=one.tar", ".")
        self.loam("image", "import", "--tag", "three:3", "one.tar", check=0)
        self.build("-t", "docker:1", "-o", "type=docker,dest=docker.tar", ".")
        self.loam("image", "import", "docker.tar", check=0)
        listed = self.loam("image", "ls", check=0).out
        for name in ("three:3", "docker:1"):
            self.assertIn(name, listed)
        self.assertEqual(self.loam("run", "three:3", "cat", "/x", check=0).out, "x\n")
        # Words behind the image are the command's, also where they look like flags.
        self.assertEqual(self.loam("run", "--rm", "-i", "three:3", "sh", "-c", "cat; exit 7", stdin=b"in", check=7).out, "in")
        self.assertEqual(self.loam("run", "-e", "A", "-e", "B=2", "three:3", "sh", "-c", "echo $A $B", env={"A": "1"}, check=0).out,
                         "1 2\n")
        self.loam("image", "rm", "three:3", check=0)
        self.assertNotIn("three:3", self.loam("image", "ls", check=0).out)
        self.loam("image", "rm", "three:3", check=1)


if __name__ == "__main__":
    main()
