#include "compiler/diagnostics/render.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "compiler/diagnostics/source_excerpt.h"

namespace loam::diag {

namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kRed = "\x1b[1;31m";
constexpr std::string_view kYellow = "\x1b[1;33m";
constexpr std::string_view kBlue = "\x1b[1;34m";
constexpr std::string_view kGreen = "\x1b[1;32m";

class Renderer {
 public:
  Renderer(const source::SourceManager& sources, const TerminalOptions& options)
      : sources_(sources), options_(options) {}

  std::string Render(const Diagnostic& diagnostic) {
    const std::string_view color = diagnostic.is_error() ? kRed : kYellow;
    out_ += Paint(color, SeverityName(diagnostic.severity));
    out_ += Paint(kBold, fmt::format(": {}", Printable(diagnostic.message)));
    out_ += fmt::format(" [{}]\n", InfoOf(diagnostic.kind).code);
    margin_ = MarginOf(diagnostic);
    AddExcerpt(diagnostic.range, "", '^', color);
    for (const Label& label : diagnostic.labels) {
      AddExcerpt(label.range, label.text, '-', kBlue);
    }
    for (const std::string& note : diagnostic.notes) {
      AddRemark(kBold, "note", note);
    }
    for (const std::string& hint : diagnostic.hints) {
      AddRemark(kGreen, "hint", hint);
    }
    out_.push_back('\n');
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::string Paint(std::string_view color, std::string_view text) const {
    return options_.color ? fmt::format("{}{}{}", color, text, kReset) : std::string(text);
  }

  // Digits of the largest line number shown.
  [[nodiscard]] std::size_t MarginOf(const Diagnostic& diagnostic) const {
    std::size_t digits = 1;
    const auto widen = [&](source::SourceRange range) {
      if (const source::Buffer* buffer = sources_.Find(range.file)) {
        digits = std::max(digits, fmt::format_int(buffer->LinesOf(range).last).size());
      }
    };
    widen(diagnostic.range);
    for (const Label& label : diagnostic.labels) {
      widen(label.range);
    }
    return digits;
  }

  void AddExcerpt(source::SourceRange range, std::string_view label, char mark, std::string_view color) {
    const source::Buffer* buffer = sources_.Find(range.file);
    if (buffer == nullptr) {
      return;
    }
    const source::LineColumn place = buffer->lines().ByteColumn(range.begin);
    const std::string bar = Paint(kBlue, "|");
    if (mark == '^') {
      out_ += fmt::format("{:{}}{} {}:{}:{}\n", "", margin_ + 1, Paint(kBlue, "-->"), buffer->name(), place.line,
                          place.column);
      out_ += fmt::format("{:{}} {}\n", "", margin_ + 1, bar);
    }
    const std::vector<ExcerptLine> lines = MakeExcerpt(*buffer, range, options_.width);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const ExcerptLine& line = lines[i];
      if (line.number == 0) {
        out_ += fmt::format("{:>{}} {}\n", "...", margin_ + 1, bar);
        continue;
      }
      out_ += fmt::format("{} {} {}\n", Paint(kBlue, fmt::format("{:>{}}", line.number, margin_ + 1)), bar, line.text);
      std::string marks = std::string(line.mark_length, mark);
      if (i + 1 == lines.size() && !label.empty()) {
        marks += fmt::format(" {}", Printable(label));
      }
      out_ += fmt::format("{:{}} {} {:{}}{}\n", "", margin_ + 1, bar, "", line.mark_column, Paint(color, marks));
    }
  }

  void AddRemark(std::string_view color, std::string_view name, std::string_view text) {
    out_ += fmt::format("{:{}} {} {}: {}\n", "", margin_ + 1, Paint(kBlue, "="), Paint(color, name), Printable(text));
  }

  const source::SourceManager& sources_;
  TerminalOptions options_;
  std::size_t margin_ = 1;
  std::string out_;
};

}  // namespace

std::string RenderTerminal(const Diagnostic& diagnostic, const source::SourceManager& sources,
                           const TerminalOptions& options) {
  return Renderer(sources, options).Render(diagnostic);
}

std::string RenderTerminal(std::span<const Diagnostic> diagnostics, const source::SourceManager& sources,
                           const TerminalOptions& options) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    out += RenderTerminal(diagnostic, sources, options);
  }
  return out;
}

void SortByPosition(std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.range.file, a.range.begin) < std::pair(b.range.file, b.range.begin);
  });
}

}  // namespace loam::diag
