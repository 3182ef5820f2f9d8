// The live display for terminals: one line a step with its time at the right margin, the last lines of what running
// steps print, redrawn in place. DrawFrame is the pure part.
#pragma once

#include "cli/progress/display.h"

namespace loam::cli {

struct FrameOptions {
  int width = 80;
  int height = 24;  // the frame has at most height - 1 lines; ignored for the last frame
  bool colors = false;
  bool last = false;  // all steps, no logs: what stays on the screen
  bool ok = true;     // for the heading of the last frame
  std::string title;
  WallTime started;
};

// The lines of one frame, each at most `width` columns wide (escape sequences not counted).
std::vector<std::string> DrawFrame(const ProgressModel& model, const FrameOptions& options, WallTime now);

std::unique_ptr<ProgressDisplay> MakeTtyDisplay(const DisplayOptions& options);

// The longest prefix of UTF-8 `text` that fits into `columns` terminal columns, and its width.
std::pair<std::string_view, int> FitColumns(std::string_view text, int columns);

}  // namespace loam::cli
