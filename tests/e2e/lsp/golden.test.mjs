// Comments in the files of tests/golden/lsp say what the server answers about the line above them; the carets stand
// under the place; `<-` is the first column, where no caret can stand.
//
//   # ^^^^ error: text            a diagnostic (error, warning, info, hint) whose message has the text; those of a file
//   # ^^^^ warning CODE: text     that are not written down, and those that are written down and do not come, fail
//   # ^ hover: text               the hover has the text; `hover: -` there is none
//   # ^^^ def: name               the definition of `name`, which each `use` leads to, and which has each as reference
//   # ^^^ use: name
//   # ^^^ local: name          the same thing, defined nearer: an ARG that a stage takes over
//   # ^ complete: A, B            what is offered there, among others; `complete: -` nothing is
//   # ^ signature: label #2       the first signature, and the parameter that is meant
//   # ^ hint: text                an inlay hint at the caret
//   # ^ action: title             a code action at the caret
//   # ^ symbol: name              a symbol whose name is selected there
//   # ^ link: target              a link begins there
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client, uriOf } from './client.mjs';

const folder = `${process.env.LOAM_SOURCE_DIR}/tests/golden/lsp`;
const KINDS = 'error|warning|info|hint-level|hover|def|use|local|complete|signature|hint|action|symbol|link';
const MARK = new RegExp(`^(\\s*#\\s*)(\\^+|<-)\\s*(${KINDS})(?: ([A-Za-z0-9]+))?:\\s*(.*)$`);
const SEVERITY = { error: 1, warning: 2, info: 3, 'hint-level': 4 };

function readMarks(text) {
  const marks = [];
  let target = 0;
  text.split('\n').forEach((line, number) => {
    const match = MARK.exec(line);
    if (!match) { target = number; return; }
    const caret = match[2] !== '<-';
    const character = caret ? match[1].length : 0;
    marks.push({ line: target, character, end: caret ? character + match[2].length : 1, kind: match[3], code: match[4], text: match[5].trim() });
  });
  return marks;
}

const flatten = (symbols) => symbols.flatMap((s) => [s, ...flatten(s.children ?? [])]);
const inside = (range, line, character) => range.start.line === line && range.start.character === character;
let client;
before(async () => { client = await Client.start({ folders: [folder] }); });
after(async () => { assert.equal(await client.stop(), 0); });

async function check(uri, text, mark) {
  const { line, character } = mark;
  const where = `line ${line + 1}, column ${character + 1}, ${mark.kind}`;
  const textDocument = { uri };
  switch (mark.kind) {
    case 'hover': {
      const hover = await client.ask('hover', uri, line, character);
      if (mark.text === '-') assert.equal(hover, null, where);
      else assert.ok(hover?.contents.value.includes(mark.text), `${where}: ${JSON.stringify(hover)}`);
      break;
    }
    case 'complete': {
      const items = await client.ask('completion', uri, line, character);
      const labels = (items?.items ?? items ?? []).map((item) => item.label);
      if (mark.text === '-') assert.deepEqual(labels, [], where);
      else for (const wanted of mark.text.split(',').map((s) => s.trim())) assert.ok(labels.includes(wanted), `${where}: ${wanted} not in ${labels}`);
      break;
    }
    case 'signature': {
      const help = await client.ask('signatureHelp', uri, line, character);
      const [, label, active] = /^(.*?) #(\d+)$/.exec(mark.text);
      assert.equal(help?.signatures[0].label, label, where);
      assert.equal(help.activeParameter, Number(active), where);
      break;
    }
    case 'hint': {
      const range = { start: { line, character: 0 }, end: { line: line + 1, character: 0 } };
      const hints = await client.request('textDocument/inlayHint', { textDocument, range });
      const here = hints.filter((hint) => hint.position.line === line && hint.position.character === character);
      assert.ok(here.some((hint) => hint.label.includes(mark.text)), `${where}: ${JSON.stringify(hints)}`);
      break;
    }
    case 'action': {
      const range = { start: { line, character }, end: { line, character } };
      const actions = await client.request('textDocument/codeAction', { textDocument, range, context: { diagnostics: [] } });
      assert.ok(actions.some((action) => action.title.includes(mark.text)), `${where}: ${actions.map((a) => a.title)}`);
      break;
    }
    case 'symbol': {
      const symbols = flatten(await client.request('textDocument/documentSymbol', { textDocument }));
      assert.ok(symbols.some((s) => s.name === mark.text && inside(s.selectionRange, line, character)), `${where}: ${symbols.map((s) => s.name)}`);
      break;
    }
    case 'link': {
      const links = await client.request('textDocument/documentLink', { textDocument });
      const link = links.find((l) => inside(l.range, line, character));
      const resolved = link && (link.target ? link : await client.request('documentLink/resolve', link));
      assert.ok(resolved?.target?.includes(mark.text), `${where}: ${JSON.stringify(links)}`);
      break;
    }
    default:
  }
}

async function checkNames(uri, marks) {
  const names = new Map();
  for (const mark of marks.filter((m) => ['def', 'use', 'local'].includes(m.kind))) {
    if (!names.has(mark.text)) names.set(mark.text, []);
    names.get(mark.text).push(mark);
  }
  const key = (range) => `${range.start.line + 1}:${range.start.character + 1}`;
  for (const [name, places] of names) {
    const definition = places.find((p) => p.kind === 'def');
    assert.ok(definition, `${name} is used and not defined`);
    const all = places.map((p) => `${p.line + 1}:${p.character + 1}`).sort();
    for (const place of places) {
      const found = [await client.ask('definition', uri, place.line, place.character)].flat();
      if (place.kind !== 'local') assert.equal(found[0] && key(found[0].range), `${definition.line + 1}:${definition.character + 1}`, `definition of ${name} from line ${place.line + 1}`);
      const references = await client.ask('references', uri, place.line, place.character, { context: { includeDeclaration: true } });
      assert.deepEqual(references.filter((r) => r.uri === uri).map((r) => key(r.range)).sort(), all, `references of ${name}`);
      const highlights = await client.ask('documentHighlight', uri, place.line, place.character);
      assert.deepEqual(highlights.map((h) => key(h.range)).sort(), all, `highlights of ${name}`);
    }
  }
}

function checkDiagnostics(diagnostics, marks) {
  const wanted = marks.filter((m) => SEVERITY[m.kind]);
  const left = [...diagnostics];
  for (const mark of wanted) {
    const at = left.findIndex((d) => d.range.start.line === mark.line && d.range.start.character === mark.character &&
      d.severity === SEVERITY[mark.kind] && (!mark.code || d.code === mark.code) && d.message.includes(mark.text) &&
      (d.range.end.line > mark.line || d.range.end.character === mark.end || mark.end === mark.character + 1));
    assert.ok(at >= 0, `line ${mark.line + 1}: no ${mark.kind} "${mark.text}" among ${JSON.stringify(left.filter((d) => d.range.start.line === mark.line))}`);
    const [found] = left.splice(at, 1);
    assert.ok(found.code, 'a diagnostic has a code');
  }
  assert.deepEqual(left.map((d) => `${d.range.start.line + 1}:${d.range.start.character + 1} ${d.code} ${d.message}`), [], 'diagnostics that are not written down');
}

for (const file of readdirSync(folder).filter((name) => /dockerfile|earth/i.test(name)).sort()) {
  test(file, async () => {
    const path = `${folder}/${file}`;
    const uri = uriOf(path);
    const text = readFileSync(path, 'utf8');
    const marks = readMarks(text);
    assert.ok(marks.length > 0, 'a file without marks tests nothing');
    const diagnostics = await client.open(uri, text, /earth/i.test(file) ? 'earthfile' : 'dockerfile');
    checkDiagnostics(diagnostics, marks);
    for (const mark of marks) await check(uri, text, mark);
    await checkNames(uri, marks);
    await client.close(uri);
  });
}
