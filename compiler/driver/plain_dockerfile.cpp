#include "compiler/driver/plain_dockerfile.h"

#include <algorithm>

#include "base/image_reference.h"
#include "base/utf8.h"

namespace loam::driver {
namespace {

// Text that takes the place of a part of the buffer.
struct Edit {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string text;
};

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

// A line without its end.
std::string_view WithoutEnd(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

// `text` with blanks that would end a word escaped: it becomes one word of the same meaning.
std::string AsOneWord(std::string_view text, char escape) {
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == escape && quote != '\'' && i + 1 < text.size()) {
      out += c;
      out += text[++i];
      continue;
    }
    if (quote != 0) {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (IsBlank(c)) {
      out += escape;
    }
    out += c;
  }
  return out;
}

class Printer {
 public:
  Printer(const ast::Dockerfile& file, const source::Buffer& buffer, const std::vector<Pin>& pins)
      : file_(file), buffer_(buffer), pins_(pins) {}

  std::string Print() {
    if (file_.escape != '\\') {
      out_ += "# escape=";
      out_ += file_.escape;
      out_ += "\n";
    }
    bool first = true;
    for (const ast::Instruction* instruction : file_.instructions) {
      if (instruction->kind == ast::InstructionKind::kFrom && !first) {
        out_ += '\n';
      }
      Add(*instruction);
      first = false;
    }
    return std::move(out_);
  }

 private:
  void Add(const ast::Instruction& instruction) {
    std::vector<Edit> edits;
    const auto keyword = instruction.keyword.range;
    std::string upper(ast::KeywordOf(instruction.kind));
    // One blank after it, if there are any.
    std::uint32_t end = keyword.end;
    while (end < instruction.range.end && IsBlank(buffer_.text()[end])) {
      ++end;
    }
    if (end > keyword.end) {
      upper += ' ';
    }
    edits.push_back({keyword.begin, end, std::move(upper)});
    if (const auto* from = ast::As<ast::From>(&instruction); from != nullptr && from->as_keyword.present()) {
      edits.push_back({from->as_keyword.range.begin, from->as_keyword.range.end, "AS"});
    }
    for (const Pin& pin : pins_) {
      if (pin.range.begin >= instruction.range.begin && pin.range.end <= instruction.range.end) {
        edits.push_back({pin.range.begin, pin.range.end, pin.image});
      }
    }
    if (const auto* env = ast::As<ast::Env>(&instruction)) {
      RewriteLegacy(env->pairs, instruction, edits);
    } else if (const auto* label = ast::As<ast::Label>(&instruction)) {
      RewriteLegacy(label->pairs, instruction, edits);
    }
    std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
    AddHeader(instruction, edits);
    AddBodies(instruction);
  }

  // `ENV key a value` -> `ENV key=a\ value`.
  void RewriteLegacy(ast::List<ast::KeyValue> pairs, const ast::Instruction& instruction, std::vector<Edit>& edits) {
    if (pairs.size() != 1 || !pairs[0].legacy || !pairs[0].key.present()) {
      return;
    }
    // The rest of the logical line; it may have stood on several lines.
    std::string text(pairs[0].key.text);
    text += '=';
    text += AsOneWord(pairs[0].value.text, file_.escape);
    edits.push_back({pairs[0].key.range.begin, instruction.range.end, std::move(text)});
  }

  // The lines of the instruction without comments and blank lines between them, and without heredocs.
  void AddHeader(const ast::Instruction& instruction, const std::vector<Edit>& edits) {
    std::uint32_t end = instruction.range.end;
    for (const ast::Heredoc& heredoc : instruction.heredocs) {
      end = std::min(end, heredoc.content_range.begin);
    }
    const std::string_view text = buffer_.text();
    std::vector<std::string> lines;
    std::size_t edit = 0;
    for (std::uint32_t pos = instruction.range.begin; pos < end;) {
      std::size_t line_end = text.find('\n', pos);
      line_end = std::min<std::size_t>(line_end == std::string_view::npos ? end : line_end + 1, end);
      const std::string_view raw = text.substr(pos, line_end - pos);
      const std::string_view content = TrimUnicodeSpace(raw);
      if (lines.empty() || !(content.empty() || content.starts_with('#'))) {
        std::string line;
        std::uint32_t at = pos;
        while (edit < edits.size() && edits[edit].begin < line_end) {
          line += text.substr(at, edits[edit].begin - at);
          line += edits[edit].text;
          at = edits[edit].end;
          ++edit;
        }
        // An edit may reach over several lines.
        line_end = std::max<std::size_t>(line_end, at);
        line += text.substr(at, line_end - at);
        lines.emplace_back(WithoutEnd(line));
      }
      pos = static_cast<std::uint32_t>(line_end);
    }
    EndLine(lines.back());
    for (const std::string& line : lines) {
      out_ += line;
      out_ += '\n';
    }
  }

  // Takes the continuation, if there is one, from the last line: nothing followed it.
  void EndLine(std::string& line) const {
    std::size_t end = line.size();
    while (end > 0 && IsBlank(line[end - 1])) {
      --end;
    }
    const bool escaped = end > 1 && line[end - 2] == file_.escape;
    if (end > 0 && line[end - 1] == file_.escape && !escaped) {
      line.resize(end - 1);
    }
  }

  void AddBodies(const ast::Instruction& instruction) {
    const std::string_view text = buffer_.text();
    for (const ast::Heredoc& heredoc : instruction.heredocs) {
      const std::uint32_t begin = heredoc.content_range.begin;
      out_ += WithoutEnd(text.substr(begin, heredoc.terminator_range.end - begin));
      out_ += '\n';
    }
  }

  const ast::Dockerfile& file_;
  const source::Buffer& buffer_;
  const std::vector<Pin>& pins_;
  std::string out_;
};

}  // namespace

void PinCollector::OnStages(std::span<const sema::StageShape> stages, const void* /*target*/) {
  for (const sema::StageShape& stage : stages) {
    if (stage.image.empty() || stage.base_text.range.file != file_) {
      continue;
    }
    const auto reference = ParseImageReference(stage.image);
    if (reference) {
      pins_.push_back({stage.base_text.range, reference->Familiar()});
    }
  }
}

std::string PlainDockerfile(const ast::Dockerfile& file, const source::Buffer& buffer, const std::vector<Pin>& pins) {
  return Printer(file, buffer, pins).Print();
}

}  // namespace loam::driver
