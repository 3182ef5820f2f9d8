"""Statements about images: provenance, and SBOMs that a scanner makes."""
import hashlib
import json
import tarfile

from support import LoamCase, main

SPDX = "https://spdx.dev/Document"


class Attestations(LoamCase):
    def setUp(self):
        super().setUp()
        self.import_busybox()
        self.write("Dockerfile", "FROM busybox\nARG WHO=x\nRUN --mount=type=secret,id=key echo $WHO > /who\nCOPY file /\n")
        self.write("file", "text")

    def layout(self, name="out.tar"):
        """The blobs of an OCI archive, and its root."""
        with tarfile.open(self.work / name) as tar:
            blobs = {m.name.rsplit("/", 1)[1]: tar.extractfile(m).read() for m in tar if m.name.startswith("blobs/sha256/") and m.isfile()}
            [root] = json.load(tar.extractfile("index.json"))["manifests"]
        return blobs, root

    def export(self, *flags):
        """The image's manifest descriptor, that of its attestations, and the statements by predicate type."""
        self.build("-o", "type=oci,dest=out.tar,name=registry.example/app:1", *flags, ".")
        blobs, root = self.layout()
        self.assertEqual(root["mediaType"], "application/vnd.oci.image.index.v1+json")
        image, attestation = json.loads(blobs[root["digest"].split(":")[1]])["manifests"]
        self.assertEqual(attestation["platform"], {"architecture": "unknown", "os": "unknown"})
        self.assertEqual(attestation["annotations"], {"vnd.docker.reference.type": "attestation-manifest",
                                                      "vnd.docker.reference.digest": image["digest"]})
        self.manifest = json.loads(blobs[attestation["digest"].split(":")[1]])
        self.config = blobs[self.manifest["config"]["digest"].split(":")[1]]
        self.blobs = blobs
        statements = {}
        for layer in self.manifest["layers"]:
            self.assertEqual(layer["mediaType"], "application/vnd.in-toto+json")
            statement = json.loads(blobs[layer["digest"].split(":")[1]])
            self.assertEqual(layer["annotations"], {"in-toto.io/predicate-type": statement["predicateType"]})
            self.assertEqual(statement["_type"], "https://in-toto.io/Statement/v1")
            statements[statement["predicateType"]] = statement
        return image, attestation, statements

    def test_provenance_max(self):
        image, _, statements = self.export("--provenance=mode=max,builder-id=me,reproducible=true", "--build-arg", "WHO=secret-free", "--label", "a=b")
        [statement] = statements.values()
        self.assertEqual(statement["predicateType"], "https://slsa.dev/provenance/v1")
        self.assertEqual(statement["subject"], [{"name": "pkg:docker/registry.example/app@1?platform=linux%2Famd64",
                                                 "digest": {"sha256": image["digest"].split(":")[1]}}])
        definition, run = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
        [base] = definition["resolvedDependencies"]
        self.assertTrue(base["uri"].startswith("pkg:docker/busybox@latest?"), base)
        self.assertEqual(len(base["digest"]["sha256"]), 64)
        request = definition["externalParameters"]["request"]
        self.assertEqual(request["frontend"], "dockerfile.v0")
        self.assertEqual(request["args"]["build-arg:WHO"], "secret-free")
        self.assertEqual(request["args"]["label:a"], "b")
        self.assertEqual(request["secrets"], [{"id": "key", "optional": True}])
        self.assertEqual(request["locals"], [{"name": "context"}, {"name": "dockerfile"}])
        self.assertEqual(definition["externalParameters"]["configSource"], {"path": "Dockerfile"})
        steps = definition["internalParameters"]["buildConfig"]["llbDefinition"]
        self.assertEqual([s["id"] for s in steps], [f"step{i}" for i in range(len(steps))])
        self.assertTrue(any("exec" in s["op"].get("Op", {}) for s in steps))
        self.assertEqual(run["builder"], {"id": "me"})
        metadata = run["metadata"]
        self.assertTrue(metadata["buildkit_reproducible"])
        self.assertEqual(metadata["buildkit_completeness"], {"request": True, "resolvedDependencies": False})
        self.assertIn("startedOn", metadata)
        self.assertIn("layers", metadata["buildkit_metadata"])

    def test_provenance_min_tells_no_arguments(self):
        _, _, statements = self.export("--provenance=mode=min", "--build-arg", "WHO=private")
        [statement] = statements.values()
        self.assertNotIn("private", json.dumps(statement))
        definition = statement["predicate"]["buildDefinition"]
        self.assertNotIn("secrets", definition["externalParameters"]["request"])
        self.assertNotIn("buildConfig", definition["internalParameters"])
        self.assertFalse(statement["predicate"]["runDetails"]["metadata"]["buildkit_completeness"]["request"])

    def test_older_version_and_shapes(self):
        _, _, statements = self.export("--provenance=version=v0.2")
        predicate = statements["https://slsa.dev/provenance/v0.2"]["predicate"]
        self.assertEqual(predicate["buildType"], "https://mobyproject.org/buildkit@v1")
        self.assertEqual(predicate["invocation"]["configSource"], {"entryPoint": "Dockerfile"})
        self.assertTrue(predicate["metadata"]["completeness"]["environment"])
        self.assertEqual(self.manifest["artifactType"], "application/vnd.docker.attestation.manifest.v1+json")
        self.assertEqual(self.config, b"{}")
        self.build("-o", "type=oci,dest=out.tar,oci-artifact=false", "--provenance=true", ".")
        blobs, root = self.layout()
        attestation = json.loads(blobs[json.loads(blobs[root["digest"].split(":")[1]])["manifests"][1]["digest"].split(":")[1]])
        config = json.loads(blobs[attestation["config"]["digest"].split(":")[1]])
        self.assertEqual(config["os"], "unknown")
        self.assertEqual(config["rootfs"]["diff_ids"], [l["digest"] for l in attestation["layers"]])

    def test_only_where_it_is_asked_for(self):
        self.build("-o", "type=oci,dest=plain.tar", ".")
        self.assertEqual(self.layout("plain.tar")[1]["mediaType"], "application/vnd.oci.image.manifest.v1+json")
        # Kept by the image exporter, not by archives and files.
        self.build("-o", "type=oci,dest=plain.tar", "-o", "out", "--provenance=inline-only=true", ".")
        self.assertEqual(self.layout("plain.tar")[1]["mediaType"], "application/vnd.oci.image.manifest.v1+json")
        self.assertFalse((self.work / "out/provenance.json").exists())

    def test_files(self):
        self.write("Dockerfile", "FROM scratch\nCOPY file /dir/\n")
        self.build("-o", "type=local,dest=out,attestation-prefix=my.", "--provenance=filename=how.json", ".")
        statement = json.loads((self.work / "out/my.how.json").read_text())
        self.assertEqual(statement["subject"], [{"name": "dir/file", "digest": {"sha256": hashlib.sha256(b"text").hexdigest()}}])
        self.build("-o", "type=tar,dest=out.tar", "--provenance=true", ".")
        with tarfile.open(self.work / "out.tar") as tar:
            self.assertEqual(json.load(tar.extractfile("provenance.json"))["subject"], statement["subject"])

    def test_sbom(self):
        self.write("scanner/Dockerfile", """FROM busybox
COPY scan /scan
ENTRYPOINT ["/bin/sh", "/scan"]
""")
        self.write("scanner/scan", """set -e
[ "$BUILDKIT_SCAN_option" = value ]
grep -q text "$BUILDKIT_SCAN_SOURCE/file"
if touch "$BUILDKIT_SCAN_SOURCE/new"; then exit 3; fi
cat > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<END
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "subject": [],
 "predicate": {"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "creationInfo": {"creators": ["Tool: test"]},
               "files": [{"fileName": "/file"}, {"fileName": "/none"}]}}
END
""")
        self.build("-t", "scanner", "scanner")
        image, _, statements = self.export("--sbom=generator=scanner,option=value", "--provenance=true")
        self.assertEqual(list(statements), [SPDX, "https://slsa.dev/provenance/v1"])
        self.assertEqual(statements[SPDX]["subject"][0]["digest"]["sha256"], image["digest"].split(":")[1])
        layers = json.loads(self.blobs[image["digest"].split(":")[1]])["layers"]
        files = statements[SPDX]["predicate"]["files"]
        self.assertEqual(files[0]["comment"], "layerID: " + layers[-1]["digest"])
        self.assertNotIn("comment", files[1])
        # The scanner is no part of what was built.
        self.assertNotIn("scanner", json.dumps(statements["https://slsa.dev/provenance/v1"]["predicate"]["buildDefinition"]["resolvedDependencies"]))

    def test_mistakes(self):
        for flag, says in (("--attest=type=nothing", "no known type"), ("--provenance=mode=much", "mode is min or max"),
                           ("--provenance=version=v7", "SLSA version"), ("--provenance=complete-materials=true", "materials are incomplete"),
                           ("--sbom=generator=", "cannot be empty")):
            with self.subTest(flag=flag):
                done = self.build("-o", "type=oci,dest=out.tar", flag, ".", check=None)
                self.assertNotEqual(done.code, 0)
                self.assertIn(says, done.err)
        done = self.build("-o", "type=oci,dest=out.tar,oci-mediatypes=false", "--provenance=true", ".", check=1)
        self.assertIn("oci-mediatypes", done.err)


if __name__ == "__main__":
    main()
