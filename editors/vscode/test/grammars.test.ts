// The grammars, by the engine that the editor has.
import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as oniguruma from "vscode-oniguruma";
import * as textmate from "vscode-textmate";

const ready = oniguruma.loadWASM(readFileSync("node_modules/vscode-oniguruma/release/onig.wasm").buffer as ArrayBuffer);

// "word scope" for each token with a scope of its own.
async function scopesOf(language: string, text: string): Promise<string[]> {
  await ready;
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources: string[]) => new oniguruma.OnigScanner(sources),
      createOnigString: (line: string) => new oniguruma.OnigString(line),
    }),
    loadGrammar: async () =>
      textmate.parseRawGrammar(readFileSync(`syntaxes/${language}.tmLanguage.json`, "utf8"), `${language}.json`),
  });
  const grammar = await registry.loadGrammar(`source.${language}`);
  assert.ok(grammar);
  const out: string[] = [];
  let state = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    for (const token of tokens) {
      const word = line.slice(token.startIndex, token.endIndex).trim();
      const scope = token.scopes[token.scopes.length - 1];
      if (word !== "" && scope !== `source.${language}`) {
        out.push(`${word} ${scope}`);
      }
    }
    state = ruleStack;
  }
  return out;
}

function includes(all: string[], wanted: string[]): void {
  for (const each of wanted) {
    assert.ok(all.includes(each), `${each} is not among\n${all.join("\n")}`);
  }
}

test("Earthfile", async () => {
  const text =
    "VERSION --try 0.8\n# a comment\nARG --global size = 1\nbuild:\n    FROM --platform=linux/amd64 ./lib+base\n" +
    '    RUN make "$size" && \\\n        # why\n        echo it\'s $(date)\n    COPY (+deps/out --x=1) .\n' +
    "    IF [ -f x ]\n        DO tools+GREET --who=you\n    END\n    SAVE ARTIFACT x AS LOCAL y\nGREET:\n    FUNCTION\n";
  includes(await scopesOf("earthfile", text), [
    "VERSION keyword.other.command",
    "--try variable.parameter.flag",
    "0.8 constant.numeric.version",
    "# a comment comment.line.number-sign",
    "size variable.other.assignment",
    "build entity.name.function.target",
    "base entity.name.function",
    "./lib entity.name.namespace",
    "$size variable.other",
    "&& keyword.operator",
    "deps entity.name.function",
    "/out string.unquoted.artifact",
    "IF keyword.control",
    "GREET entity.name.function",
    "END keyword.control",
    "AS LOCAL keyword.other",
    "GREET entity.name.function.function",
    "FUNCTION keyword.other.command",
  ]);
});

test("Dockerfile", async () => {
  const text =
    "# syntax=docker/dockerfile:1\nFROM --platform=$BUILDPLATFORM golang:1.22 AS build\n# a comment\nARG name=x\n" +
    'RUN --mount=type=cache,target=/x go build && \\\n    # inside\n    echo "$name"\nCOPY <<EOF /a\nhello $name\nEOF\n' +
    'FROM scratch\nCOPY --from=build /a /b\nENTRYPOINT ["/b"]\n';
  const scopes = await scopesOf("dockerfile", text);
  includes(scopes, [
    "syntax keyword.other.directive",
    "FROM keyword.other.instruction",
    "$BUILDPLATFORM variable.other",
    "golang:1.22 entity.name.type.image",
    "AS keyword.other",
    "build entity.name.function.stage",
    "# a comment comment.line.number-sign",
    "name variable.other.assignment",
    "--mount variable.parameter.flag",
    "$name variable.other",
    "EOF keyword.operator.heredoc",
    "ENTRYPOINT keyword.other.instruction",
  ]);
  assert.equal(scopes.filter((each) => each === "FROM keyword.other.instruction").length, 2);
});
