#include "compiler/format/format.h"

#include "base/line_diff.h"
#include "compiler/format/dockerfile.h"
#include "compiler/format/earthfile.h"

namespace loam::format {
namespace {

// Offsets of the lines of a text, and of its end.
std::vector<std::uint32_t> Starts(std::string_view text) {
  std::vector<std::uint32_t> starts = {0};
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    starts.push_back(static_cast<std::uint32_t>(at + 1));
  }
  if (starts.back() != text.size()) {
    starts.push_back(static_cast<std::uint32_t>(text.size()));
  }
  return starts;
}

std::string Apply(std::string_view text, const std::vector<diag::Edit>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const diag::Edit& edit : edits) {
    out += text.substr(at, edit.range.begin - at);
    out += edit.replacement;
    at = edit.range.end;
  }
  out += text.substr(at);
  return out;
}

}  // namespace

Result<std::string> Format(Language language, const source::Buffer& buffer, diag::Emitter& emitter) {
  return language == Language::kEarthfile ? FormatEarthfile(buffer, emitter) : FormatDockerfile(buffer, emitter);
}

std::vector<diag::Edit> EditsOf(const source::Buffer& buffer, std::string_view formatted) {
  const std::vector<std::uint32_t> old_starts = Starts(buffer.text());
  const std::vector<std::uint32_t> new_starts = Starts(formatted);
  std::vector<diag::Edit> edits;
  for (const LineChange& change : LineChanges(buffer.text(), formatted)) {
    const std::uint32_t begin = new_starts[change.after_begin];
    edits.push_back({buffer.Range(old_starts[change.before_begin], old_starts[change.before_end]),
                     std::string(formatted.substr(begin, new_starts[change.after_end] - begin))});
  }
  return edits;
}

Result<std::vector<diag::Edit>> FormatRange(Language language, const source::Buffer& buffer, std::uint32_t begin,
                                            std::uint32_t end, diag::Emitter& emitter) {
  const std::string formatted = LOAM_TRY(Format(language, buffer, emitter));
  std::vector<diag::Edit> edits = EditsOf(buffer, formatted);
  const std::size_t all = edits.size();
  std::erase_if(edits, [&](const diag::Edit& edit) {
    return edit.range.begin > end || (edit.range.end <= begin && edit.range.end != edit.range.begin) ||
           edit.range.end < begin;
  });
  if (edits.size() == all) {
    return edits;
  }
  // Each text formats to the same: it means the same.
  source::SourceManager sources;
  const source::Buffer* partly = LOAM_TRY(sources.AddText(buffer.name(), Apply(buffer.text(), edits)));
  diag::CollectingConsumer consumer;
  diag::Emitter quiet(consumer);
  const Result<std::string> again = Format(language, *partly, quiet);
  if (!again || *again != formatted) {
    return Unexpected(ErrorCode::kFailedPrecondition, "formatting this range alone would change what the file means");
  }
  return edits;
}

}  // namespace loam::format
