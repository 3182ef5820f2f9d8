// Both formatters, of whole files and of ranges: what they make is stable, its tokens are those of the file.
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "compiler/format/format.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

std::string Apply(std::string_view text, const std::vector<diag::Edit>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const diag::Edit& edit : edits) {
    LOAM_CHECK(edit.range.begin >= at && edit.range.end <= text.size(), "edits overlap, or leave the text");
    out += text.substr(at, edit.range.begin - at);
    out += edit.replacement;
    at = edit.range.end;
  }
  return out + std::string(text.substr(at));
}

// A file that does not parse is refused with a diagnostic; kInternal would be the formatter's own mistake.
Result<std::string> Format(format::Language language, const source::Buffer& buffer) {
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  Result<std::string> formatted = format::Format(language, buffer, emitter);
  LOAM_CHECK(formatted.has_value() || formatted.error().Is(ErrorCode::kFailedPrecondition),
             formatted.has_value() ? "" : formatted.error().message().c_str());
  LOAM_CHECK(formatted.has_value() || !formatted.error().hint().empty(), "refused without saying what to do");
  return formatted;
}

void FormatOnce(format::Language language, const std::string& text) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("input", text);
  if (!buffer) {
    return;
  }
  const Result<std::string> formatted = Format(language, **buffer);
  if (!formatted) {
    return;
  }
  LOAM_CHECK(Apply(text, format::EditsOf(**buffer, *formatted)) == *formatted, "the edits do not give the result");
  const auto again = sources.AddText("formatted", *formatted);
  LOAM_CHECK(again.has_value(), "the result cannot be read");
  const Result<std::string> twice = Format(language, **again);
  LOAM_CHECK(twice && *twice == *formatted, "formatting again changes the result");
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto size = static_cast<std::uint32_t>(text.size());
  const auto part = format::FormatRange(language, **buffer, size / 3, size / 2, emitter);
  LOAM_CHECK(part || part.error().Is(ErrorCode::kFailedPrecondition), "a range is formatted, or refused");
  if (part) {
    static_cast<void>(Apply(text, *part));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  FormatOnce(format::Language::kDockerfile, text);
  FormatOnce(format::Language::kEarthfile, text);
  return 0;
}
