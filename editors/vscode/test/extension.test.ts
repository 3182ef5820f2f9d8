// The extension against a stand-in for the editor (mock-vscode.cjs).
import * as assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as vscode from "vscode";
import { activate, deactivate } from "../src/extension";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
const editor = vscode as any;

const document = (languageId: string, text: string) => ({
  languageId,
  getText: () => text,
  save: async () => true,
  uri: { fsPath: "/project/sub dir/Earthfile", toString: () => "file:///project/sub%20dir/Earthfile" },
});

beforeEach(() => {
  editor.record.commands.clear();
  editor.record.terminals.length = 0;
  editor.record.errors.length = 0;
  editor.record.settings = {};
  editor.window.activeTextEditor = undefined;
});

async function start(): Promise<{ subscriptions: { dispose(): void }[] }> {
  const context = { subscriptions: [] as { dispose(): void }[] };
  activate(context as unknown as vscode.ExtensionContext);
  await new Promise((resolve) => setImmediate(resolve));
  return context;
}

test("the server is started as configured", async () => {
  editor.record.settings = { path: "/opt/loam", arguments: ["--log"] };
  await start();
  const client = editor.record.client;
  assert.deepEqual(client.server.command, "/opt/loam");
  assert.deepEqual(client.server.args, ["lsp", "--log"]);
  assert.deepEqual(
    client.options.documentSelector.map((each: { language: string }) => each.language),
    ["dockerfile", "earthfile"],
  );
  assert.equal(client.started, 1);
  await deactivate();
  assert.equal(client.stopped, 1);
});

test("a server that does not start is told of", async () => {
  editor.record.settings = { broken: true };
  await start();
  assert.match(editor.record.errors[0], /did not start.*loam\.path/);
});

test("commands of the manifest are the ones that are registered", async () => {
  await start();
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const manifest = JSON.parse(require("node:fs").readFileSync("package.json", "utf8"));
  const declared = manifest.contributes.commands.map((each: { command: string }) => each.command).sort();
  assert.deepEqual([...editor.record.commands.keys()].sort(), declared);
});

test("a target is built in a terminal of its folder", async () => {
  await start();
  editor.window.activeTextEditor = { document: document("earthfile", "VERSION 0.8\na:\n    FROM b:1\ntest:\n    FROM c:1\n") };
  await editor.record.commands.get("loam.buildTarget")();
  const terminal = editor.record.terminals[0];
  assert.equal(terminal.options.cwd, "/project/sub dir");
  assert.deepEqual(terminal.sent, ["loam build +test"]);
  await editor.record.commands.get("loam.testTarget")();
  assert.deepEqual(editor.record.terminals[1].sent, ["loam build +test"]);
});

test("the graph comes from the server", async () => {
  await start();
  editor.window.activeTextEditor = { document: document("earthfile", "") };
  await editor.record.commands.get("loam.showGraph")();
  assert.deepEqual(editor.record.client.requests[0], {
    method: "workspace/executeCommand",
    params: { command: "loam.graph", arguments: ["file:///project/sub%20dir/Earthfile"] },
  });
  assert.match(editor.record.documents[0].content, /^```mermaid\nflowchart LR\n/);
});

test("restarting stops the old server", async () => {
  await start();
  const old = editor.record.client;
  await editor.record.commands.get("loam.restart")();
  assert.equal(old.stopped, 1);
  assert.notEqual(editor.record.client, old);
});
