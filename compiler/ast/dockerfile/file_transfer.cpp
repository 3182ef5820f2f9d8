// COPY and ADD.
#include "base/strings.h"
#include "compiler/ast/dockerfile/builder.h"
#include "compiler/syntax/heredoc_word.h"

namespace loam::ast {

namespace {

FileSource MakeSource(InstructionBuilder& builder, const Text& path) {
  const std::optional<syntax::ParsedHeredocWord> word = syntax::ParseHeredocWord(path.text);
  if (!word) {
    return {path, nullptr};
  }
  const Heredoc* match = nullptr;
  for (const Heredoc& heredoc : builder.instruction().heredocs) {
    if (heredoc.name == word->name) {
      match = &heredoc;
    }
  }
  if (match != nullptr && match->expand == word->expand && match->chomp == word->chomp) {
    return {path, match};
  }
  // The word says how the content is read; the content is that of the last heredoc of the name.
  auto* own = builder.arena().New<Heredoc>();
  if (match != nullptr) {
    *own = *match;
  }
  own->name = builder.arena().Copy(word->name);
  own->expand = word->expand;
  own->chomp = word->chomp;
  own->fd = word->fd;
  own->word_range = path.range;
  return {path, own};
}

}  // namespace

void BuildFileTransfer(InstructionBuilder& builder, FileTransfer& node) {
  const std::vector<Text> words = builder.WordsOrStrings(node.json);
  const std::string keyword = ToUpperAscii(node.keyword.text);
  if (words.size() < 2) {
    builder.Report<diag::Kind::kMissingDestination>(node.range, keyword)
        .Hint(fmt::format("write `{} [\"source\", \"destination\"]`", keyword));
    return;
  }
  node.destination = words.back();
  if (syntax::ParseHeredocWord(node.destination.text)) {
    builder.Report<diag::Kind::kHeredocDestination>(node.destination.range, keyword)
        .Hint("put the path to write to behind the heredoc");
  }
  std::vector<FileSource> sources;
  sources.reserve(words.size() - 1);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    sources.push_back(MakeSource(builder, words[i]));
  }
  node.sources = builder.arena().Copy(sources);
  node.chown = builder.FlagValue("chown");
  node.chmod = builder.FlagValue("chmod");
  node.link = builder.FlagIsTrue("link");
  std::vector<Text> excludes;
  for (const Flag& flag : node.flags) {
    if (flag.name.text == "exclude") {
      excludes.push_back(flag.value);
    }
  }
  node.excludes = builder.arena().Copy(excludes);
}

}  // namespace loam::ast
