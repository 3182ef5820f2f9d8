// Every method of the protocol, asked about Earthfiles.
import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyEdits, Client, spanText, uriOf } from './client.mjs';

const EARTHFILE = `VERSION 0.8
FROM alpine:3.20
ARG --global RELEASE=1.2

# build compiles it.
build:
    ARG MODE=fast
    COPY src/*.c ./
    RUN echo $RELEASE $MODE
    SAVE ARTIFACT main.c AS LOCAL out.c

HELLO:
    FUNCTION
    ARG NAME
    RUN echo $NAME

all:
    BUILD +build --MODE=slow
    COPY ./lib+tool/bin /bin/
    DO +HELLO --NAME=you
`;
const LIB = 'VERSION 0.8\nFROM alpine:3.20\ntool:\n    RUN touch bin\n    SAVE ARTIFACT bin\n';

async function session() {
  const root = mkdtempSync(join(tmpdir(), 'loam-lsp-'));
  for (const [name, text] of Object.entries({ Earthfile: EARTHFILE, 'lib/Earthfile': LIB, 'src/main.c': '' })) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const client = await Client.start({ folders: [root] });
  const uri = uriOf(join(root, 'Earthfile'));
  const diagnostics = await client.open(uri, EARTHFILE, 'earthfile');
  return { client, uri, root, diagnostics };
}
const place = (needle, offset = 0) => {
  const before = EARTHFILE.slice(0, EARTHFILE.indexOf(needle) + offset).split('\n');
  return [before.length - 1, before.at(-1).length];
};
const texts = (ranges) => ranges.map((range) => spanText(EARTHFILE, range));

test('diagnostics come and go with edits', async () => {
  const { client, uri, diagnostics } = await session();
  assert.deepEqual(diagnostics.filter((d) => d.severity === 1), []);
  const [line, character] = place('+build --MODE', 1);
  const broken = await client.change(uri, 2, [{ range: { start: { line, character }, end: { line, character: character + 5 } }, text: 'biuld' }]);
  const error = broken.find((d) => d.message.includes('did you mean `+build`'));
  assert.equal(error.range.start.line, line);
  assert.ok(error.code && error.codeDescription.href);
  assert.equal(await client.stop(), 0);
});

test('names: hover, definition, declaration, references, highlights, rename, linked editing', async () => {
  const { client, uri, root } = await session();
  const build = place('+build --MODE', 2);
  assert.match((await client.ask('hover', uri, ...build)).contents.value, /compiles it/);
  for (const method of ['definition', 'declaration']) {
    const found = [await client.ask(method, uri, ...build)].flat()[0];
    assert.match(spanText(EARTHFILE, found.range), /^build/, method);
  }
  const tool = [await client.ask('definition', uri, ...place('+tool', 2))].flat()[0];
  assert.equal(tool.uri, uriOf(join(root, 'lib/Earthfile')));
  const references = await client.ask('references', uri, ...place('MODE=fast', 1), { context: { includeDeclaration: true } });
  assert.equal(references.length, 3);
  const highlights = await client.ask('documentHighlight', uri, ...place('$RELEASE', 2));
  assert.deepEqual(texts(highlights.map((h) => h.range)).sort(), ['RELEASE', 'RELEASE']);
  assert.equal((await client.ask('prepareRename', uri, ...place('MODE=fast', 1))).placeholder, 'MODE');
  const edit = await client.ask('rename', uri, ...place('MODE=fast', 1), { newName: 'SPEED' });
  const changed = edit.documentChanges.find((d) => d.textDocument.uri === uri);
  assert.equal(applyEdits(EARTHFILE, changed.edits), EARTHFILE.replaceAll('MODE', 'SPEED'));
  await client.ask('linkedEditingRange', uri, ...build);
  assert.equal(await client.stop(), 0);
});

test('typing: completion, its resolve, signature help', async () => {
  const { client, uri } = await session();
  const items = await client.ask('completion', uri, ...place('+build --MODE', 1));
  const list = items.items ?? items;
  assert.ok(list.some((item) => item.label.includes('build')), JSON.stringify(list.slice(0, 5)));
  const resolved = await client.request('completionItem/resolve', list[0]);
  assert.equal(resolved.label, list[0].label);
  const help = await client.ask('signatureHelp', uri, ...place('src/*.c', 2));
  assert.ok(help.signatures.length > 0);
  assert.equal(await client.stop(), 0);
});

test('outline: symbols, calls, folds, selections, links, tokens', async () => {
  const { client, uri } = await session();
  const textDocument = { uri };
  const symbols = await client.request('textDocument/documentSymbol', { textDocument });
  for (const name of ['build', 'all', 'HELLO']) assert.ok(symbols.some((s) => s.name.includes(name)), name);
  assert.ok((await client.request('workspace/symbol', { query: 'tool' })).some((s) => s.name.includes('tool')));
  const [item] = await client.ask('prepareCallHierarchy', uri, ...place('build:', 1));
  const incoming = await client.request('callHierarchy/incomingCalls', { item });
  assert.ok(incoming.some((c) => c.from.name.includes('all')));
  const [all] = await client.ask('prepareCallHierarchy', uri, ...place('all:', 1));
  const outgoing = await client.request('callHierarchy/outgoingCalls', { item: all });
  assert.equal(outgoing.length, 3);
  const folds = await client.request('textDocument/foldingRange', { textDocument });
  assert.ok(folds.some((f) => f.startLine === place('build:')[0]));
  const [selection] = await client.request('textDocument/selectionRange', { textDocument, positions: [{ line: 8, character: 12 }] });
  let depth = 0;
  for (let at = selection; at; at = at.parent) depth++;
  assert.ok(depth > 2);
  await client.request('textDocument/documentLink', { textDocument });
  const full = await client.request('textDocument/semanticTokens/full', { textDocument });
  assert.ok(full.data.length > 50 && full.data.length % 5 === 0);
  const delta = await client.request('textDocument/semanticTokens/full/delta', { textDocument, previousResultId: full.resultId });
  assert.deepEqual(delta.edits, []);
  const range = { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } };
  assert.ok((await client.request('textDocument/semanticTokens/range', { textDocument, range })).data.length > 0);
  assert.equal(await client.stop(), 0);
});

test('hints, lenses, actions, commands, formatting', async () => {
  const { client, uri } = await session();
  const textDocument = { uri };
  const whole = { start: { line: 0, character: 0 }, end: { line: 30, character: 0 } };
  const hints = await client.request('textDocument/inlayHint', { textDocument, range: whole });
  assert.ok(Array.isArray(hints));
  const lenses = await client.request('textDocument/codeLens', { textDocument });
  assert.ok(lenses.some((l) => l.command?.command === 'loam.build'));
  for (const lens of lenses.filter((l) => !l.command)) await client.request('codeLens/resolve', lens);
  const actions = await client.request('textDocument/codeAction', { textDocument, range: whole, context: { diagnostics: [] } });
  assert.ok(Array.isArray(actions) && actions.length > 0);
  const graph = await client.request('workspace/executeCommand', { command: 'loam.graph', arguments: [uri] });
  assert.match(graph.text, /build/);
  const options = { tabSize: 4, insertSpaces: true };
  const messy = EARTHFILE.replace('    ARG MODE', '  ARG   MODE');
  await client.change(uri, 2, [{ text: messy }]);
  const edits = await client.request('textDocument/formatting', { textDocument, options });
  assert.equal(applyEdits(messy, edits).includes('    ARG MODE'), true);
  await client.request('textDocument/rangeFormatting', { textDocument, options, range: whole });
  await client.ask('onTypeFormatting', uri, 7, 0, { ch: '\n', options });
  assert.equal(await client.stop(), 0);
});

const LIBRARY = `VERSION 0.8
IMPORT loam/std/rust
IMPORT github.com/none/fetched:v1 AS far

build:
    FROM rust:1.80
    DO rust+INIT
    DO rust+CARGO --args="build --release"
    DO far+NONE
`;

test('the library: hover, definition, symbols, completion, signature; nothing of it can be renamed', async () => {
  const root = mkdtempSync(join(tmpdir(), 'loam-lsp-'));
  const cache = mkdtempSync(join(tmpdir(), 'loam-lsp-cache-'));
  const client = await Client.start({ folders: [root], env: { XDG_CACHE_HOME: cache } });
  const uri = uriOf(join(root, 'Earthfile'));
  const find = (needle, offset = 0) => {
    const before = LIBRARY.slice(0, LIBRARY.indexOf(needle) + offset).split('\n');
    return [before.length - 1, before.at(-1).length];
  };
  const diagnostics = await client.open(uri, LIBRARY, 'earthfile');
  assert.deepEqual(diagnostics.filter((d) => d.severity === 1), []);
  const hover = await client.ask('hover', uri, ...find('CARGO --args', 2));
  assert.match(hover.contents.value, /runs cargo in the working directory/);
  const argument = await client.ask('hover', uri, ...find('args=', 1));
  assert.match(argument.contents.value, /line 20: `ARG args`/);
  const [definition] = [await client.ask('definition', uri, ...find('CARGO --args', 2))].flat();
  const path = decodeURIComponent(new URL(definition.uri).pathname);
  assert.ok(path.startsWith(`${cache}/loam/std/rust/v1/`), path);
  const text = readFileSync(path, 'utf8');
  assert.equal(spanText(text, definition.range), 'CARGO');
  assert.equal(statSync(path).mode & 0o222, 0, 'the file is there to be read');
  const [file] = [await client.ask('definition', uri, ...find('rust\n', 1))].flat();
  assert.equal(file.uri, definition.uri);
  const symbols = await client.request('textDocument/documentSymbol', { textDocument: { uri: definition.uri } });
  assert.ok(symbols.some((s) => s.name === 'CARGO'));
  const items = await client.ask('completion', uri, ...find('rust+INIT', 5));
  const labels = (items.items ?? items).map((i) => i.label);
  assert.ok(labels.some((l) => l.includes('CARGO')) && labels.some((l) => l.includes('INSTALL')), labels.join());
  const help = await client.ask('signatureHelp', uri, ...find('--args', 2));
  assert.ok(help.signatures[0].parameters.some((p) => String(p.label).includes('args')), JSON.stringify(help));
  assert.equal(await client.ask('prepareRename', uri, ...find('CARGO --args', 2)), null);
  await assert.rejects(client.request('textDocument/rename', { textDocument: { uri }, position: { line: 7, character: 14 }, newName: 'OTHER' }));
  // Nothing is known of what was never fetched.
  assert.equal(await client.ask('hover', uri, ...find('NONE', 1)), null);
  assert.equal(await client.stop(), 0);
});

test('FROM DOCKERFILE leads into the Dockerfile', async () => {
  const root = mkdtempSync(join(tmpdir(), 'loam-lsp-'));
  mkdirSync(join(root, 'image'));
  const dockerfile = 'FROM scratch AS first\nCOPY a /\nFROM first AS Second\n';
  writeFileSync(join(root, 'image/Dockerfile'), dockerfile);
  writeFileSync(join(root, 'image/other'), dockerfile);
  const text = 'VERSION 0.8\na:\n    FROM DOCKERFILE --target second ./image\nb:\n    FROM DOCKERFILE -f image/other image\nc:\n    FROM DOCKERFILE ./$where\n';
  const client = await Client.start({ folders: [root] });
  const uri = uriOf(join(root, 'Earthfile'));
  await client.open(uri, text, 'earthfile');
  const at = (needle, offset = 1) => {
    const before = text.slice(0, text.indexOf(needle) + offset).split('\n');
    return [before.length - 1, before.at(-1).length];
  };
  const leads = async (...position) => [await client.ask('definition', uri, ...position)].flat()[0];
  const start = { line: 0, character: 0 };
  assert.deepEqual(await leads(...at('./image')), { uri: uriOf(join(root, 'image/Dockerfile')), range: { start, end: start } });
  const stage = await leads(...at('second'));
  assert.equal(stage.uri, uriOf(join(root, 'image/Dockerfile')));
  assert.equal(spanText(dockerfile, stage.range), 'Second');
  assert.equal((await leads(...at('image/other'))).uri, uriOf(join(root, 'image/other')));
  assert.equal(await client.ask('definition', uri, ...at('./$where')), null);
  const hover = (await client.ask('hover', uri, ...at('./image'))).contents.value;
  assert.match(hover, /line 1: `first` from `scratch`\n- line 3: `Second` from `first`, which is built/);
  const links = await client.request('textDocument/documentLink', { textDocument: { uri } });
  assert.deepEqual(links.map((l) => l.target), [uriOf(join(root, 'image/Dockerfile')), uriOf(join(root, 'image/other'))]);
  assert.equal(await client.stop(), 0);
});
