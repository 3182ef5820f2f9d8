// What the commands need beside the editor: the targets of a text, and the command line that builds one.

export interface Target {
  label: string; // "+test", "builder", "Dockerfile"
  name: string; // of the target or stage; "" for a Dockerfile as a whole
  detail: string; // the comment above it
}

const testName = /^(test|lint|check|ci)|-(tests?|lint|check)$/;

// Targets of an Earthfile, or named stages of a Dockerfile behind the file as a whole.
export function targetsOf(text: string, language: string): Target[] {
  const lines = text.split(/\r?\n/);
  const targets: Target[] = language === "dockerfile" ? [{ label: "the last stage", name: "", detail: "" }] : [];
  lines.forEach((line, index) => {
    const found =
      language === "dockerfile"
        ? /^\s*FROM\s+(?:--\S+\s+)*\S+\s+AS\s+([A-Za-z0-9._-]+)\s*$/i.exec(line)
        : /^([a-z][a-zA-Z0-9.-]*):\s*(?:#.*)?$/.exec(line);
    if (found === null) {
      return;
    }
    const comments: string[] = [];
    for (let above = index - 1; above >= 0 && lines[above].startsWith("#"); --above) {
      comments.unshift(lines[above].replace(/^#\s?/, ""));
    }
    const name = found[1];
    targets.push({ label: language === "earthfile" ? `+${name}` : name, name, detail: comments[0] ?? "" });
  });
  return targets;
}

// Those whose names say that they are tests.
export function testsOf(text: string, language: string): Target[] {
  return targetsOf(text, language).filter((target) => testName.test(target.name));
}

// Behind the program's name; run in the file's directory.
export function buildArguments(language: string, path: string, target: Target): string[] {
  if (language === "earthfile") {
    return ["build", `+${target.name}`];
  }
  return ["build", "-f", path, ...(target.name === "" ? [] : ["--target", target.name]), "."];
}

// For a POSIX shell.
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// Markdown that shows the graph where the editor draws Mermaid.
export function graphDocument(mermaid: string): string {
  return "```mermaid\n" + mermaid.trimEnd() + "\n```\n";
}
