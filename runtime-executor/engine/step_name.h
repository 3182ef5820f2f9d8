// The parts of a step's name: "[build 2/5] RUN make" is the stage "build", the position 2 and the text "RUN make".
#pragma once

#include <string>
#include <string_view>

namespace loam::engine {

struct StepName {
  // What stands in the brackets without the position: "", "build", "internal", "linux/arm64 build".
  std::string_view stage;
  // 0 if the name has none.
  int position = 0;
  // "2/5", as it stands; empty if there is none.
  std::string_view fraction;
  std::string_view text;
  // The first word of the text: "RUN".
  std::string_view instruction;
};

// Views into `name`.
StepName ParseStepName(std::string_view name);

}  // namespace loam::engine
