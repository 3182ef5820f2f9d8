// Files are opened, edited at random places, asked about everything, and closed. Nothing may fail, and memory may not
// grow. LOAM_STRESS_DIR names other files (a folder, walked), LOAM_STRESS_EDITS how often each is edited.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CAPABILITIES, Client, uriOf } from './client.mjs';

const source = process.env.LOAM_SOURCE_DIR;
const folders = process.env.LOAM_STRESS_DIR ? [process.env.LOAM_STRESS_DIR] : ['tests/golden/lsp', 'tests/golden/ast', 'tests/golden/broken', 'tests/golden/earthfile', 'examples'].map((f) => join(source, f));
const edits = Number(process.env.LOAM_STRESS_EDITS ?? 3);

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && statSync(path).size < 200_000) yield path;
  }
}
const languageOf = (path) => {
  const name = path.split('/').pop();
  if (/\.earth$|earthfile\/corpus\//.test(path) || /^Earthfile/.test(name)) return 'earthfile';
  return /Dockerfile$/.test(name) || /dockerfile\/corpus\//.test(path) ? 'dockerfile' : null;
};

// A generator of its own, so that a failure comes again.
let state = 12345;
const random = (n) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return n > 0 ? state % n : 0; };
const PIECES = ['', '\n', '\\\n', '$', '${', '"', "'", '[', 'FROM ', 'RUN <<EOF\n', '--', '=', '😀', '\r\n', '#', ' ', 'COPY --from=', '+', '    ', 'END\n', '\0', 'é', ':', '/'];

const AT = ['completion', 'hover', 'definition', 'declaration', 'documentHighlight', 'signatureHelp', 'prepareRename', 'linkedEditingRange', 'prepareCallHierarchy'];
const WHOLE = ['documentSymbol', 'foldingRange', 'documentLink', 'codeLens', 'semanticTokens/full'];

function rss(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

test('open, edit, ask, close', async () => {
  const client = await Client.start({ capabilities: { ...CAPABILITIES, workspace: {} } });
  const files = folders.flatMap((folder) => [...walk(folder)]).filter(languageOf);
  assert.ok(files.length > 20, `only ${files.length} files`);
  const failures = [];
  const ask = (what, method, params) => client.request(method, params).catch((error) => failures.push(`${what}: ${method}: ${error.message}`));
  const half = { at: Math.floor(files.length / 2), rss: 0 };
  for (const [index, path] of files.entries()) {
    if (index === half.at) half.rss = rss(client.child.pid);
    const uri = uriOf(`/stress/${index}/${path.split('/').pop()}`);
    const text = readFileSync(path, 'utf8');
    await client.open(uri, text, languageOf(path));
    const lines = text.split('\n').length;
    for (let version = 2; version < 2 + edits; version++) {
      const start = { line: random(lines), character: random(40) };
      const end = random(3) ? start : { line: start.line + random(3), character: random(40) };
      const change = client.change(uri, version, [{ range: { start, end }, text: PIECES[random(PIECES.length)] }]);
      const position = { line: random(lines), character: random(60) };
      const textDocument = { uri };
      const range = { start: { line: 0, character: 0 }, end: { line: lines, character: 0 } };
      await Promise.all([
        change,
        ...AT.map((method) => ask(path, `textDocument/${method}`, { textDocument, position: random(2) ? position : start })),
        ...WHOLE.map((method) => ask(path, `textDocument/${method}`, { textDocument })),
        ask(path, 'textDocument/references', { textDocument, position, context: { includeDeclaration: true } }),
        ask(path, 'textDocument/selectionRange', { textDocument, positions: [position] }),
        ask(path, 'textDocument/inlayHint', { textDocument, range }),
        ask(path, 'textDocument/codeAction', { textDocument, range: { start, end: start }, context: { diagnostics: [] } }),
        ask(path, 'textDocument/formatting', { textDocument, options: { tabSize: 4, insertSpaces: true } }),
        ask(path, 'textDocument/semanticTokens/range', { textDocument, range }),
      ]);
    }
    await client.close(uri);
  }
  const end = rss(client.child.pid);
  assert.deepEqual(failures.slice(0, 20), []);
  assert.deepEqual(client.messages.filter((m) => m.type === 1).slice(0, 5), []);
  assert.ok(end < half.rss * 1.25 + 4096, `memory grew from ${half.rss} kB to ${end} kB`);
  console.log(`${files.length} files, ${half.rss} kB in the middle, ${end} kB at the end`);
  assert.equal(await client.stop(), 0);
});
