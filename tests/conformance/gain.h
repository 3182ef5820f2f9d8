// What -O1 makes of the corpus: every accepted Dockerfile compiled both ways, the IR verified after each pass.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "tests/conformance/corpus.h"

namespace loam::conformance {

struct GraphFigures {
  std::size_t vertices = 0;
  std::size_t critical_path = 0;        // vertices of the longest chain
  std::size_t contexts = 0;             // local sources
  std::size_t context_steps = 0;        // steps that read one
  std::size_t whole_context_steps = 0;  // … without any restriction to paths

  GraphFigures& operator+=(const GraphFigures& other);
};

struct PassFigures {
  std::size_t files = 0;
  std::size_t changes = 0;
};

struct Gain {
  std::size_t files = 0;
  std::size_t changed = 0;
  std::size_t shorter = 0;  // critical path
  std::size_t fewer = 0;    // vertices
  GraphFigures o0;
  GraphFigures o1;
  std::map<std::string, PassFigures> passes;
  std::vector<std::string> failures;  // files whose image config differs, or that fail at -O1
};

Gain MeasureGain(std::vector<Case>& cases);
std::string GainText(const Gain& gain);

}  // namespace loam::conformance
