// Every method of the protocol that the server offers, asked by a real client.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyEdits, CAPABILITIES, Client, lsp, spanText, uriOf } from './client.mjs';

const DOCKERFILE = `# syntax=docker/dockerfile:1
ARG VERSION=3.20
FROM alpine:$VERSION AS base
ENV HOME_DIR=/srv
FROM base AS build
WORKDIR $HOME_DIR
COPY src/*.c ./
RUN --mount=type=cache,target=/root/.cache,id=cc cc -o app main.c && strip app
FROM scratch
COPY --from=build /srv/app /app
CMD /app
`;

function workspace(files) {
  const root = mkdtempSync(join(tmpdir(), 'loam-lsp-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

async function session(files, options = {}) {
  const root = workspace(files);
  const client = await Client.start({ folders: [root], ...options });
  const uri = (name) => uriOf(join(root, name));
  return { root, client, uri };
}

const place = (text, needle, offset = 0) => {
  const at = text.indexOf(needle) + offset;
  const before = text.slice(0, at).split('\n');
  return [before.length - 1, before.at(-1).length];
};

test('lifecycle: errors before initialize, after shutdown, exit codes', async () => {
  const client = await Client.start({ initialize: false });
  await assert.rejects(client.request('textDocument/hover', {}), { code: -32002 });
  const answer = await client.request('initialize', { processId: null, rootUri: null, capabilities: {} });
  assert.equal(answer.serverInfo.name, 'loam');
  assert.equal(answer.capabilities.textDocumentSync.change, 2);
  await assert.rejects(client.request('no/such', {}), { code: -32601 });
  await assert.rejects(client.request('initialize', { capabilities: {} }), { code: -32600 });
  await client.request('shutdown');
  await assert.rejects(client.request('textDocument/hover', {}), { code: -32600 });
  await client.connection.sendNotification('exit');
  assert.equal(await client.exited, 0);
  const rude = await Client.start();
  await rude.connection.sendNotification('exit');
  assert.equal(await rude.exited, 1);
});

test('position encodings: UTF-8, UTF-16, the client chooses', async () => {
  const text = 'FROM alpine AS a\nLABEL é😀="$b" c="x"\nCOPY /x /y\nLABEL 😀=${NOPE:x}\n';
  for (const [encoding, column] of [['utf-8', 'LABEL 😀='.length + 2], ['utf-16', 'LABEL 😀='.length], ['utf-32', 'LABEL 😀='.length - 1]]) {
    const capabilities = { ...CAPABILITIES, general: { positionEncodings: [encoding] } };
    const client = await Client.start({ capabilities });
    assert.equal(client.initialized.capabilities.positionEncoding, encoding);
    const uri = 'file:///none/Dockerfile';
    await client.open(uri, text);
    const tokens = await client.request('textDocument/semanticTokens/full', { textDocument: { uri } });
    let line = 0;
    let character = 0;
    const starts = [];
    for (let i = 0; i < tokens.data.length; i += 5) {
      character = tokens.data[i] ? tokens.data[i + 1] : character + tokens.data[i + 1];
      line += tokens.data[i];
      starts.push(`${line}:${character}`);
    }
    assert.ok(starts.includes(`3:${column}`), `${encoding}: ${starts}`);
    // An edit behind the wide character, in the same unit.
    const diagnostics = await client.change(uri, 2, [{ range: { start: { line: 3, character: column }, end: { line: 3, character: column + 9 } }, text: 'ok' }]);
    assert.deepEqual(diagnostics.filter((d) => d.severity === 1), []);
    assert.equal(await client.stop(), 0);
  }
});

test('synchronisation: incremental edits equal the whole text, closing clears', async () => {
  const { client, uri } = await session({});
  const file = uri('Dockerfile');
  await client.open(file, DOCKERFILE);
  let text = DOCKERFILE;
  const edits = [
    { range: { start: { line: 4, character: 0 }, end: { line: 4, character: 4 } }, text: 'FRO' },
    { range: { start: { line: 4, character: 3 }, end: { line: 4, character: 3 } }, text: 'M' },
    { range: { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } }, text: '' },
  ];
  for (const edit of edits) text = applyEdits(text, [{ ...edit, newText: edit.text }]);
  await client.change(file, 2, edits);
  const symbols = await client.request('textDocument/documentSymbol', { textDocument: { uri: file } });
  assert.deepEqual(symbols.map((s) => s.name), ['ARG', 'base', 'build', 'FROM']);
  await client.change(file, 3, [{ text: 'FROM scratch\nCOPPY a b\n' }]);
  assert.equal(client.diagnostics.get(file).version, 3);
  assert.equal(client.diagnostics.get(file).diagnostics[0].code, 'LD0201');
  const cleared = client.published(file);
  await client.close(file);
  assert.deepEqual((await cleared).diagnostics, []);
  assert.equal(await client.stop(), 0);
});

test('pushed diagnostics: code, link, tags, related places, settings', async () => {
  const { client, uri, root } = await session({ '.loam.toml': '[lint]\nchecks = ["hadolint"]\n[lint.severity]\nDL3006 = "off"\n' });
  const file = uri('Dockerfile');
  const text = 'FROM alpine\nMAINTAINER me\nRUN cd /tmp\nFROM alpine AS a\nFROM alpine AS a\n';
  const codes = (list) => list.map((d) => d.code);
  const first = await client.open(file, text);
  const maintainer = first.find((d) => d.code === 'MaintainerDeprecated');
  assert.equal(maintainer.source, 'buildkit');
  assert.deepEqual(maintainer.tags, [2]);
  assert.match(maintainer.codeDescription.href, /^https:/);
  assert.ok(codes(first).includes('DL3003') && !codes(first).includes('DL3006'), codes(first).join());
  client.configuration = { loam: { lint: { severity: { MaintainerDeprecated: 'error', DL3003: 'off' } } } };
  const again = client.published(file);
  await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: null });
  const second = (await again).diagnostics;
  assert.equal(second.find((d) => d.code === 'MaintainerDeprecated').severity, 1);
  assert.ok(!codes(second).includes('DL3003'));
  // The file on disk changes.
  writeFileSync(join(root, '.loam.toml'), '[lint]\nbuild-checks = false\nignore = ["vendor/**"]\n');
  const third = client.published(file);
  await client.connection.sendNotification('workspace/didChangeWatchedFiles', { changes: [{ uri: uri('.loam.toml'), type: 2 }] });
  assert.ok(!codes((await third).diagnostics).includes('MaintainerDeprecated'));
  assert.deepEqual(await client.open(uri('vendor/Dockerfile'), 'FROM\n'), [], 'an ignored file is not checked');
  assert.ok(client.registered.some((r) => r.method === 'workspace/didChangeWatchedFiles'));
  assert.equal(await client.stop(), 0);
});

test('pulled diagnostics, of a document and of the workspace', async () => {
  const capabilities = { ...CAPABILITIES, textDocument: { ...CAPABILITIES.textDocument, diagnostic: {} } };
  const { client, uri } = await session({ 'a/Dockerfile': 'FROM scratch\nMAINTAINER x\n', 'b/Dockerfile': 'FROM scratch\n' }, { capabilities });
  const file = uri('Dockerfile');
  await client.connection.sendNotification('textDocument/didOpen', { textDocument: { uri: file, languageId: 'dockerfile', version: 1, text: 'FROM scratch\nMAINTAINER x\n' } });
  const report = await client.request('textDocument/diagnostic', { textDocument: { uri: file } });
  assert.equal(report.kind, 'full');
  assert.deepEqual(report.items.map((d) => d.code), ['MaintainerDeprecated']);
  const same = await client.request('textDocument/diagnostic', { textDocument: { uri: file }, previousResultId: report.resultId });
  assert.equal(same.kind, 'unchanged');
  assert.equal(client.diagnostics.size, 0, 'nothing is pushed to a client that pulls');
  const all = await client.request('workspace/diagnostic', { previousResultIds: [] });
  assert.equal(all.items.length, 3);
  assert.deepEqual(all.items.find((i) => i.uri === uri('a/Dockerfile')).items.map((d) => d.code), ['MaintainerDeprecated']);
  assert.equal(await client.stop(), 0);
});

test('completion and its resolve', async () => {
  const { client, uri } = await session({
    'src/main.c': '', 'secret.txt': '', '.dockerignore': 'secret.txt\n',
    'other/Dockerfile': 'FROM registry.example/tools:7\nRUN --mount=type=secret,id=token cat /run/secrets/token\n',
  });
  const file = uri('Dockerfile');
  const labels = async (text, line, character) => {
    await client.open(file, text);
    const answer = await client.ask('completion', file, line, character);
    await client.close(file);
    return (answer.items ?? answer).map((item) => item.label);
  };
  assert.ok((await labels('FROM scratch\nRU', 1, 2)).includes('RUN command'));
  assert.ok((await labels('FROM scratch\nRUN --', 1, 6)).includes('--mount=type=cache,target=/path'));
  assert.deepEqual(await labels('FROM scratch\nRUN --network=h', 1, 15), ['host']);
  assert.ok((await labels('FROM scratch\nCOPY ', 1, 5)).includes('src/'));
  assert.ok(!(await labels('FROM scratch\nCOPY s', 1, 6)).includes('secret.txt'), 'ignored files are not offered');
  assert.deepEqual(await labels('FROM scratch\nCOPY src/m', 1, 10), ['main.c']);
  assert.ok((await labels('FROM reg', 0, 8)).includes('registry.example/tools:7'));
  assert.deepEqual(await labels('FROM scratch\nRUN --mount=type=secret,id=', 1, 27), ['token']);
  assert.ok((await labels('FROM scratch\nENV AB=1\nRUN echo $A', 2, 11)).includes('$AB'));
  assert.deepEqual(await labels('FROM scratch AS one\nFROM scratch\nCOPY --from=', 2, 12), ['one']);
  await client.open(file, 'FROM scratch\nCO');
  const items = await client.ask('completion', file, 1, 2);
  const resolved = await client.request('completionItem/resolve', items.find((item) => item.data === 'COPY'));
  assert.match(resolved.documentation.value, /build context/);
  assert.equal(await client.stop(), 0);
});

test('signature help, hover, linked editing', async () => {
  const { client, uri } = await session({ 'src/a.c': '', 'src/b.c': '' });
  const file = uri('Dockerfile');
  await client.open(file, DOCKERFILE);
  const help = await client.ask('signatureHelp', file, ...place(DOCKERFILE, 'base AS build'));
  assert.equal(help.activeParameter, 0);
  const hover = await client.ask('hover', file, ...place(DOCKERFILE, 'src/*.c', 2));
  assert.match(hover.contents.value, /2 files of the context[^]*`src\/a\.c`/);
  assert.equal(spanText(DOCKERFILE, hover.range), 'src/*.c');
  const linked = await client.ask('linkedEditingRange', file, ...place(DOCKERFILE, 'AS build', 4));
  assert.equal(linked.ranges.length, 2);
  assert.equal(await client.stop(), 0);
});

test('definition, declaration, references, highlights', async () => {
  const { client, uri } = await session({ 'docker-bake.hcl': 'target "app" {\n  target = "build"\n  args = { VERSION = "1" }\n}\n', 'src/main.c': '' });
  const file = uri('Dockerfile');
  await client.open(file, DOCKERFILE);
  const from = place(DOCKERFILE, '--from=build', 8);
  for (const method of ['definition', 'declaration']) {
    const found = await client.ask(method, file, ...from);
    assert.equal(spanText(DOCKERFILE, found.range), 'build');
  }
  const references = await client.ask('references', file, ...from, { context: { includeDeclaration: true } });
  assert.deepEqual(references.map((r) => r.uri).sort(), [file, file, uri('docker-bake.hcl')].sort());
  const uses = await client.ask('references', file, ...from, { context: { includeDeclaration: false } });
  assert.equal(uses.length, 2);
  const highlights = await client.ask('documentHighlight', file, ...place(DOCKERFILE, '$VERSION', 2));
  assert.deepEqual(highlights.map((h) => h.kind), [3, 2]);
  // A variable of the stage that this one starts from.
  const inherited = await client.ask('definition', file, ...place(DOCKERFILE, 'WORKDIR $HOME_DIR', 10));
  assert.equal(inherited.range.start.line, 3);
  assert.equal(await client.stop(), 0);
});

test('rename across bake and compose files', async () => {
  const files = {
    Dockerfile: DOCKERFILE,
    'docker-bake.hcl': '# c\ntarget "app" {\n  dockerfile = "Dockerfile"\n  target = "build"\n  args = {\n    VERSION = "1"\n  }\n}\ntarget "b" { dockerfile = "Other", target = "build" }\n',
    'docker-bake.json': '{"target": {"x": {"target": "build", "args": {"VERSION": "2"}}}}\n',
    'compose.yaml': 'services:\n  web:\n    build:\n      context: .\n      target: build # why\n      args:\n        - VERSION=3\n    image: x\n  db:\n    image: postgres\n',
  };
  const { client, uri } = await session(files);
  const file = uri('Dockerfile');
  await client.open(file, DOCKERFILE);
  const where = place(DOCKERFILE, 'AS build', 4);
  const prepared = await client.ask('prepareRename', file, ...where);
  assert.equal(prepared.placeholder, 'build');
  const renamed = async (position, newName) => {
    const edit = await client.ask('rename', file, ...position, { newName });
    return Object.fromEntries(edit.documentChanges.map((d) => {
      const name = d.textDocument.uri.slice(uri('').length + 1);
      return [name, applyEdits(files[name], d.edits)];
    }));
  };
  const stage = await renamed(where, 'compile');
  assert.deepEqual(Object.keys(stage).sort(), ['Dockerfile', 'compose.yaml', 'docker-bake.hcl', 'docker-bake.json']);
  assert.equal(stage.Dockerfile, DOCKERFILE.replaceAll('build', 'compile'));
  assert.equal(stage['docker-bake.hcl'], files['docker-bake.hcl'].replace('"build"\n  args', '"compile"\n  args'));
  assert.equal(stage['docker-bake.json'], files['docker-bake.json'].replace('build', 'compile'));
  assert.equal(stage['compose.yaml'], files['compose.yaml'].replace('target: build', 'target: compile'));
  const argument = await renamed(place(DOCKERFILE, 'VERSION=', 1), 'RELEASE');
  assert.equal(argument.Dockerfile, DOCKERFILE.replaceAll('VERSION', 'RELEASE'));
  assert.equal(argument['compose.yaml'], files['compose.yaml'].replace('VERSION', 'RELEASE'));
  assert.equal(argument['docker-bake.json'], files['docker-bake.json'].replace('VERSION', 'RELEASE'));
  await assert.rejects(client.ask('rename', file, ...where, { newName: '1 2' }), { code: -32602 });
  assert.equal(await client.ask('prepareRename', file, ...place(DOCKERFILE, 'WORKDIR', 1)), null);
  assert.equal(await client.stop(), 0);
});

test('symbols of a document and of the workspace, call hierarchy', async () => {
  const { client, uri } = await session({ 'a/Dockerfile': 'FROM scratch AS special\n', 'docker-bake.hcl': 'target "app" { target = "build" }\n' });
  const file = uri('Dockerfile');
  await client.open(file, DOCKERFILE);
  const symbols = await client.request('textDocument/documentSymbol', { textDocument: { uri: file } });
  assert.deepEqual(symbols.map((s) => s.name), ['syntax', 'ARG', 'base', 'build', 'FROM']);
  assert.deepEqual(symbols[3].children.map((s) => s.name), ['WORKDIR', 'COPY', 'RUN']);
  const found = await client.request('workspace/symbol', { query: 'spcl', workDoneToken: 't1' });
  assert.deepEqual(found.map((s) => [s.name, s.location.uri]), [['special', uri('a/Dockerfile')]]);
  assert.deepEqual(client.progress.filter((p) => p.token === 't1').map((p) => p.value.kind), ['begin', 'end']);
  const [item] = await client.ask('prepareCallHierarchy', file, ...place(DOCKERFILE, 'AS build', 4));
  const incoming = await client.request('callHierarchy/incomingCalls', { item });
  assert.deepEqual(incoming.map((c) => c.from.name).sort(), ['app', 'stage 2']);
  const outgoing = await client.request('callHierarchy/outgoingCalls', { item });
  assert.deepEqual(outgoing.map((c) => c.to.name), ['base']);
  assert.equal(await client.stop(), 0);
});

test('folding, selection ranges, links', async () => {
  const { client, uri } = await session({ 'src/main.c': '' });
  const file = uri('Dockerfile');
  const text = '# one\n# two\nFROM alpine\nRUN a \\\n  b\nRUN <<EOF\necho $x\nEOF\nCOPY src/main.c https://example.org/x /y/\n';
  await client.open(file, text);
  const folds = await client.request('textDocument/foldingRange', { textDocument: { uri: file } });
  assert.deepEqual(folds.map((f) => [f.startLine, f.endLine, f.kind]), [[0, 1, 'comment'], [3, 4, undefined], [5, 7, undefined]]);
  const [selection] = await client.request('textDocument/selectionRange', { textDocument: { uri: file }, positions: [{ line: 4, character: 2 }] });
  const chain = [];
  for (let at = selection; at; at = at.parent) chain.push(spanText(text, at.range));
  assert.equal(chain[0], 'b');
  assert.equal(chain.at(-1), text);
  assert.ok(chain.includes('RUN a \\\n  b'));
  const links = await client.request('textDocument/documentLink', { textDocument: { uri: file } });
  const image = await client.request('documentLink/resolve', links.find((l) => l.data));
  assert.equal(image.target, 'https://hub.docker.com/_/alpine/');
  assert.ok(links.some((l) => l.target === uri('src/main.c')));
  const definition = await client.ask('definition', file, ...place(text, 'src/main.c', 3));
  assert.equal(definition.uri, uri('src/main.c'));
  assert.equal(await client.stop(), 0);
});

test('semantic tokens: full, delta and range agree', async () => {
  const { client, uri } = await session({});
  const file = uri('Dockerfile');
  const textDocument = { uri: file };
  await client.open(file, DOCKERFILE);
  const full = await client.request('textDocument/semanticTokens/full', { textDocument });
  assert.equal(full.data.length % 5, 0);
  await client.change(file, 2, [{ range: { start: { line: 5, character: 0 }, end: { line: 5, character: 0 } }, text: 'USER me\n' }]);
  const delta = await client.request('textDocument/semanticTokens/full/delta', { textDocument, previousResultId: full.resultId });
  const patched = [...full.data];
  for (const edit of delta.edits) patched.splice(edit.start, edit.deleteCount, ...(edit.data ?? []));
  const fresh = await client.request('textDocument/semanticTokens/full', { textDocument });
  assert.deepEqual(patched, fresh.data);
  assert.ok(delta.edits.reduce((n, e) => n + e.data.length, 0) < 40, 'a delta is small');
  const part = await client.request('textDocument/semanticTokens/range', { textDocument, range: { start: { line: 5, character: 0 }, end: { line: 5, character: 7 } } });
  assert.deepEqual(part.data, [5, 0, 4, 0, 0, 0, 5, 2, 2, 0]);
  // keyword, word, variable, operator twice, variable, string, variable
  await client.change(file, 3, [{ text: 'RUN a${b:-c"d"}\n' }]);
  const parts = await client.request('textDocument/semanticTokens/full', { textDocument });
  assert.deepEqual(parts.data, [0, 0, 3, 0, 0, 0, 4, 1, 2, 0, 0, 1, 3, 8, 0, 0, 3, 1, 9, 0, 0, 1, 1, 9, 0, 0, 1, 1, 8, 0, 0, 1, 3, 7, 0, 0, 3, 1, 8, 0]);
  assert.equal(await client.stop(), 0);
});

test('inlay hints, code lenses, commands', async () => {
  const { client, uri } = await session({ 'src/a.c': '', 'src/b.c': '', Dockerfile: 'FROM scratch\nCOPY src /\n' });
  const file = uri('Dockerfile');
  await client.open(file, DOCKERFILE);
  const range = { start: { line: 0, character: 0 }, end: { line: 20, character: 0 } };
  const hints = await client.request('textDocument/inlayHint', { textDocument: { uri: file }, range });
  assert.ok(hints.some((h) => h.label === '= 3.20') && hints.some((h) => h.label === '= /srv') && hints.some((h) => h.label === '2 files'), JSON.stringify(hints));
  const lenses = await client.request('textDocument/codeLens', { textDocument: { uri: file } });
  assert.deepEqual(lenses.filter((l) => l.command?.command === 'loam.build').map((l) => l.command.arguments[1]), ['base', 'build', '']);
  const last = await client.request('codeLens/resolve', lenses.find((l) => l.data));
  assert.equal(last.command.title, 'not built yet');
  const graph = await client.request('workspace/executeCommand', { command: 'loam.graph', arguments: [file] });
  assert.match(graph.text, /flowchart/);
  await assert.rejects(client.request('workspace/executeCommand', { command: 'loam.none', arguments: [] }), { code: -32602 });
  await assert.rejects(client.request('workspace/executeCommand', { command: 'loam.build', arguments: ['file:///nowhere'] }), { code: -32602 });
  assert.equal(await client.stop(), 0);
});

test('code actions: fixes, fix all, rewriting', async () => {
  const { client, uri } = await session({});
  const file = uri('Dockerfile');
  const text = 'FROM scratch as x\nRUN a -b && c\nRUN d\nCMD node server.js\nMAINTAINER me\n';
  const diagnostics = await client.open(file, text);
  const ask = (line, only) => client.request('textDocument/codeAction', {
    textDocument: { uri: file }, range: { start: { line, character: 5 }, end: { line, character: 5 } },
    context: { diagnostics: diagnostics.filter((d) => d.range.start.line === line), ...(only ? { only } : {}) },
  });
  const after = (action) => applyEdits(text, action.edit.documentChanges[0].edits);
  const casing = (await ask(0)).find((a) => a.diagnostics?.[0].code === 'FromAsCasing' && a.isPreferred);
  assert.match(after(casing), /^FROM scratch AS x\n/);
  const run = await ask(1, ['refactor']);
  assert.ok(run.every((a) => a.kind.startsWith('refactor')));
  assert.match(after(run.find((a) => a.title.startsWith('split'))), /\nRUN a -b\nRUN c\nRUN d\n/);
  assert.match(after(run.find((a) => a.title.startsWith('combine'))), /\nRUN a -b && c \\\n {4}&& d\nCMD/);
  const exec = (await ask(3)).find((a) => a.title === 'write the command in exec form');
  assert.match(after(exec), /\nCMD \["node", "server.js"\]\n/);
  const [all] = await ask(0, ['source.fixAll']);
  assert.match(after(all), /^FROM scratch AS x\n/);
  await client.request('workspace/executeCommand', { command: 'loam.fixAll', arguments: [file] });
  assert.equal(client.applied.length, 1);
  const skip = (await ask(4)).find((a) => a.title === 'skip MaintainerDeprecated in this file');
  assert.match(after(skip), /^# check=skip=MaintainerDeprecated\n/);
  assert.equal(await client.stop(), 0);
});

test('formatting: document, range, on type', async () => {
  const { client, uri } = await session({});
  const file = uri('Dockerfile');
  const text = 'from   scratch\n\n\n\nrun a \\\n b\n  copy a b\n';
  await client.open(file, text);
  const options = { tabSize: 4, insertSpaces: true };
  const edits = await client.request('textDocument/formatting', { textDocument: { uri: file }, options });
  assert.equal(applyEdits(text, edits), 'FROM scratch\n\nRUN a \\\n b\nCOPY a b\n');
  const range = { start: { line: 6, character: 0 }, end: { line: 6, character: 5 } };
  const part = await client.request('textDocument/rangeFormatting', { textDocument: { uri: file }, range, options });
  assert.equal(applyEdits(text, part), text.replace('  copy', 'COPY'));
  const typed = await client.ask('onTypeFormatting', file, 5, 1, { ch: '\n', options });
  assert.equal(applyEdits(text, typed), text.replace('\n b', '\n    b'));
  assert.equal(await client.stop(), 0);
});

test('settings of the other server', async () => {
  const { client, uri } = await session({});
  client.configuration = {
    'docker.languageserver.diagnostics': { deprecatedMaintainer: 'error', instructionWorkdirRelative: 'ignore', instructionCmdMultiple: 'ignore' },
    'docker.languageserver.formatter': { ignoreMultilineInstructions: false },
  };
  const file = uri('Dockerfile');
  const text = '  FROM scratch\nMAINTAINER me\nWORKDIR x\nEXPOSE 1 \\\n2\nCMD ["a"]\nCMD ["b"]\n';
  const codes = (list) => list.map((d) => d.code);
  const diagnostics = await client.open(file, text);
  assert.equal(diagnostics.find((d) => d.code === 'MaintainerDeprecated').severity, 1);
  assert.ok(!codes(diagnostics).includes('WorkdirRelativePath') && !codes(diagnostics).includes('MultipleInstructionsDisallowed'), codes(diagnostics).join());
  const options = { tabSize: 4, insertSpaces: false };
  const edits = await client.request('textDocument/formatting', { textDocument: { uri: file }, options });
  assert.equal(applyEdits(text, edits), text.replace('  FROM', 'FROM').replace('\n2', '\n\t2'));
  client.configuration['docker.languageserver.formatter'] = { ignoreMultilineInstructions: true };
  const again = client.published(file);
  await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: null });
  await again;
  const fewer = await client.request('textDocument/formatting', { textDocument: { uri: file }, options });
  assert.equal(applyEdits(text, fewer), text.replace('  FROM', 'FROM'));
  // What is half typed hides nothing of the rest.
  const broken = await client.change(file, 2, [{ text: 'FROM scratch\nCOPPY\nMAINTAINER me\n' }]);
  assert.deepEqual(codes(broken), ['LD0201', 'MaintainerDeprecated']);
  assert.equal(await client.stop(), 0);
});

test('a checker that fails is said to have failed', async () => {
  const broken = workspace({ shellcheck: '#!/bin/sh\nexit 7\n' });
  chmodSync(join(broken, 'shellcheck'), 0o755);
  const { client, uri } = await session({}, { env: { PATH: broken } });
  client.configuration = { loam: { lint: { checks: ['shellcheck', 'hadolint'] } } };
  const file = uri('Dockerfile');
  const first = await client.open(file, 'FROM scratch\nMAINTAINER me\nRUN cd /x\n');
  assert.ok(first.some((d) => d.code === 'MaintainerDeprecated') && first.some((d) => d.code === 'DL3003'));
  const { diagnostics } = await client.published(file);
  assert.ok(diagnostics.some((d) => d.severity === 3 && d.message.includes('not all checks were run')), JSON.stringify(diagnostics));
  assert.ok(diagnostics.some((d) => d.code === 'MaintainerDeprecated') && diagnostics.some((d) => d.code === 'DL3003'));
  assert.equal(await client.stop(), 0);
});

// A ShellCheck that finds SC2086 in the second line of every script, and waits while there is a file `hold`.
const SHELLCHECK = `#!/bin/sh
echo start >> "$LOG"
while [ -e "$HOLD" ]; do sleep 0.02; done
read -r prelude
read -r script
echo "done $script" >> "$LOG"
echo '{"comments":[{"line":2,"endLine":2,"column":1,"endColumn":5,"level":"warning","code":2086,"message":"quote it","fix":null}]}'
`;
for (const language of ['dockerfile', 'earthfile']) {
  test(`ShellCheck does not hold up ${language}s`, async () => {
    const bin = workspace({ shellcheck: SHELLCHECK, hold: '', log: '' });
    chmodSync(join(bin, 'shellcheck'), 0o755);
    const [hold, log] = [join(bin, 'hold'), join(bin, 'log')];
    const { client, uri } = await session({}, { env: { PATH: `${bin}:/usr/bin:/bin`, HOLD: hold, LOG: log } });
    client.configuration = { loam: { lint: { checks: ['shellcheck'] } } };
    const text = language === 'dockerfile' ? 'FROM scratch\nRUN echo a\nRUN echo b\n' : 'VERSION 0.8\nt:\n    FROM scratch\n    RUN echo a\n    RUN echo b\n';
    const file = uri(language === 'dockerfile' ? 'Dockerfile' : 'Earthfile');
    const shell = (diagnostics) => diagnostics.filter((d) => d.code === 'SC2086').map((d) => d.range.start.line);
    const lines = text.split('\n').length;
    const [a, b] = [lines - 3, lines - 2];
    // Nothing waits for it; what is typed meanwhile is checked, once typing pauses.
    assert.deepEqual(shell(await client.open(file, text, language)), []);
    const end = { line: b, character: text.split('\n')[b].length };
    assert.deepEqual(shell(await client.change(file, 2, [{ range: { start: end, end }, text: 'c' }])), []);
    const hover = await client.ask('hover', file, a, text.split('\n')[a].indexOf('RUN') + 1);
    assert.ok(hover);
    rmSync(hold);
    assert.deepEqual(shell((await client.published(file)).diagnostics), [a, b]);
    const checked = () => readFileSync(log, 'utf8').split('\n').filter((l) => l.startsWith('done')).sort();
    assert.deepEqual(checked(), ['done echo a', 'done echo bc'], 'a script that is gone is not checked to its end');
    // The other script keeps its report, the changed one the last until its own is there.
    writeFileSync(hold, '');
    end.character += 1;
    assert.deepEqual(shell(await client.change(file, 3, [{ range: { start: end, end }, text: 'd' }])), [a, b]);
    rmSync(hold);
    assert.deepEqual(shell((await client.published(file)).diagnostics), [a, b]);
    assert.deepEqual(checked(), ['done echo a', 'done echo bc', 'done echo bcd']);
    assert.equal(await client.stop(), 0);
  });
}

test('a client that pulls is told when ShellCheck has ended', async () => {
  const bin = workspace({ shellcheck: SHELLCHECK, log: '' });
  chmodSync(join(bin, 'shellcheck'), 0o755);
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOLD: join(bin, 'hold'), LOG: join(bin, 'log') };
  const textDocument = { ...CAPABILITIES.textDocument, diagnostic: {} };
  for (const refreshSupport of [true, false]) {
    const { client, uri } = await session({}, { env, capabilities: { ...CAPABILITIES, textDocument, workspace: { ...CAPABILITIES.workspace, diagnostics: { refreshSupport } } } });
    client.configuration = { loam: { lint: { checks: ['shellcheck'] } } };
    const refreshed = new Promise((ok) => { client.connection.onRequest('workspace/diagnostic/refresh', () => { ok(); return null; }); });
    const file = uri('Dockerfile');
    await client.connection.sendNotification('textDocument/didOpen', { textDocument: { uri: file, languageId: 'dockerfile', version: 1, text: 'FROM scratch\nRUN echo a\n' } });
    const pull = async () => (await client.request('textDocument/diagnostic', { textDocument: { uri: file } })).items.map((d) => d.code);
    if (refreshSupport) {
      assert.deepEqual(await pull(), []);
      await refreshed;
    }
    assert.deepEqual(await pull(), ['SC2086']);
    assert.equal(await client.stop(), 0);
  }
});

test('cancellation, workspace folders, a document that is not open', async () => {
  const { client, uri, root } = await session({ 'x/Dockerfile': 'FROM scratch AS far\n' });
  const source = new lsp.CancellationTokenSource();
  const slow = client.request('workspace/symbol', { query: '' }, source.token);
  source.cancel();
  await slow.then(() => {}, (error) => assert.equal(error.code, -32800));
  const other = workspace({ Dockerfile: 'FROM scratch AS added\n' });
  await client.connection.sendNotification('workspace/didChangeWorkspaceFolders', { event: { added: [{ uri: uriOf(other), name: 'o' }], removed: [{ uri: uriOf(root), name: 'r' }] } });
  const found = await client.request('workspace/symbol', { query: 'a' });
  assert.ok(found.some((s) => s.name === 'added') && !found.some((s) => s.name === 'far'));
  const symbols = await client.request('textDocument/documentSymbol', { textDocument: { uri: uri('x/Dockerfile') } });
  assert.equal(symbols[0].name, 'far');
  await assert.rejects(client.request('textDocument/hover', { textDocument: { uri: 'file:///none' }, position: { line: 0, character: 0 } }), { code: -32602 });
  assert.equal(await client.stop(), 0);
});

test('malformed input ends nothing', async () => {
  const { client, uri } = await session({});
  client.child.stdin.write('Content-Length: 5\r\n\r\n{"a":');
  const file = uri('Dockerfile');
  await client.open(file, 'FROM scratch\n');
  const strange = [{ line: -1, character: 99999999 }, { line: 1e9, character: 0 }, {}, null, 'x'];
  for (const position of strange) {
    for (const method of ['hover', 'definition', 'completion', 'documentHighlight', 'signatureHelp', 'linkedEditingRange']) {
      await client.request(`textDocument/${method}`, { textDocument: { uri: file }, position });
    }
  }
  await client.connection.sendNotification('textDocument/didChange', { textDocument: { uri: file }, contentChanges: [{ range: { start: 3, end: null }, text: 7 }] });
  assert.equal((await client.request('textDocument/documentSymbol', { textDocument: { uri: file } })).length, 1);
  assert.equal(await client.stop(), 0);
});

test('files that the context does not have', async () => {
  const { client, uri } = await session({ here: '', 'docker/x': '', 'sub/Earthfile': '', 'sub/own': '', 'sub/[a]': '' });
  const missing = (diagnostics) => diagnostics.filter((d) => d.code === 'MissingFile').map((d) => `${d.range.start.line + 1}:${d.range.start.character + 1} ${d.message} ${d.severity}`);
  const text = `FROM scratch AS a
ARG WHERE=nowhere
COPY here none ./
COPY docker/x *.c /d/
COPY --from=a none /
COPY $WHERE /e
COPY $UNKNOWN . ** /f/
ADD https://example.com/none git@example.com:a/b.git /g/
COPY <<E /h
E
COPY ["x", "no ne", "/i/"]
`;
  // The context may be any folder above, up to the workspace's.
  const found = missing(await client.open(uri('docker/Dockerfile'), text));
  assert.deepEqual(found, ['3:11 the build context has no `none` 2', '4:15 the build context has no `*.c` 2', '6:6 the build context has no `nowhere` 2', '11:12 the build context has no `no ne` 2']);
  client.configuration = { loam: { lint: { severity: { MissingFile: 'off' } } } };
  assert.deepEqual(missing(await client.open(uri('docker/other.Dockerfile'), text)), []);
  client.configuration = {};
  const earth = 'VERSION 0.8\na:\n    FROM scratch\n    COPY own here ./\n    COPY --if-exists none ./\n    COPY +b/x "y z" ./\n    COPY $z *.go own* ./\nb:\n    FROM DOCKERFILE ./none\n';
  assert.deepEqual(missing(await client.open(uri('sub/Earthfile'), earth, 'earthfile')), ['4:14 the build context has no `here` 2', '7:13 the build context has no `*.go` 2', '9:21 the build context has no `none/Dockerfile` 2']);
  // Without a folder of the workspace nothing is known.
  assert.deepEqual(missing(await client.open('file:///else/where/Dockerfile', text)), []);
  assert.equal(await client.stop(), 0);
});
