#include "cli/progress/display.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/check.h"
#include "cli/progress/plain.h"
#include "cli/progress/raw_json.h"
#include "cli/progress/tty.h"

namespace loam::cli {

Result<ProgressMode> ParseProgressMode(std::string_view text) {
  if (text.empty() || text == "auto") {
    return ProgressMode::kAuto;
  }
  if (text == "tty") {
    return ProgressMode::kTty;
  }
  if (text == "plain") {
    return ProgressMode::kPlain;
  }
  if (text == "rawjson") {
    return ProgressMode::kRawJson;
  }
  if (text == "quiet" || text == "none") {
    return ProgressMode::kQuiet;
  }
  return Unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("`--progress={}`: expected auto, tty, plain, rawjson or quiet", text));
}

std::unique_ptr<ProgressDisplay> MakeProgressDisplay(const DisplayOptions& options) {
  switch (options.mode) {
    case ProgressMode::kAuto:
      return ::isatty(::fileno(options.out)) == 1 ? MakeTtyDisplay(options) : MakePlainDisplay(options);
    case ProgressMode::kTty:
      return MakeTtyDisplay(options);
    case ProgressMode::kPlain:
      return MakePlainDisplay(options);
    case ProgressMode::kRawJson:
      return MakeRawJsonDisplay(options);
    case ProgressMode::kQuiet:
      return MakeQuietDisplay(options);
  }
  LOAM_UNREACHABLE("progress mode");
}

}  // namespace loam::cli
