import * as assert from "node:assert/strict";
import { test } from "node:test";
import { buildArguments, quote, targetsOf, testsOf } from "../src/commands";

const earthfile = "VERSION 0.8\n# all builds it.\n# Really.\nall:\n    BUILD +unit-test\nunit-test:   # why\n  FROM a\nGREET:\n  FUNCTION\n";

test("targets of an Earthfile", () => {
  assert.deepEqual(targetsOf(earthfile, "earthfile"), [
    { label: "+all", name: "all", detail: "all builds it." },
    { label: "+unit-test", name: "unit-test", detail: "" },
  ]);
  assert.deepEqual(
    testsOf(earthfile, "earthfile").map((each) => each.name),
    ["unit-test"],
  );
});

test("stages of a Dockerfile", () => {
  const names = targetsOf("FROM --platform=linux/amd64 a AS build\nRUN x\nfrom b as Last\nFROM c\n", "dockerfile").map((each) => each.name);
  assert.deepEqual(names, ["", "build", "Last"]);
});

test("command lines", () => {
  const target = { label: "", name: "build", detail: "" };
  assert.deepEqual(buildArguments("dockerfile", "/a/Dockerfile", target), ["build", "-f", "/a/Dockerfile", "--target", "build", "."]);
  assert.deepEqual(buildArguments("earthfile", "/a/Earthfile", target), ["build", "+build"]);
  assert.equal(quote("it's"), `'it'\\''s'`);
  assert.equal(quote("+a/b"), "+a/b");
});
