#include "tests/conformance/print_back.h"

#include <fmt/format.h>

#include "compiler/driver/compile.h"
#include "compiler/driver/plain_dockerfile.h"

namespace loam::conformance {

PrintBack RunPrintBack(Case& test, const Outcome& outcome) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Dockerfile", test.text);
  if (!buffer) {
    return {false, false, buffer.error().message()};
  }
  driver::PinCollector pins((*buffer)->id());
  driver::CompileOptions options = CaseOptions();
  options.parameters = &pins;
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  const auto result = driver::Compile(sources, **buffer, options, test.host, emitter);
  if (!result || !result->ok) {
    return {false, false, "it was not accepted"};
  }
  PrintBack back;
  const auto same = [&](std::string text) {
    Case again = test;
    again.text = std::move(text);
    const Outcome printed = RunCase(again);
    const bool ok = printed.ok && printed.head == outcome.head && printed.digests == outcome.digests &&
                    printed.image == outcome.image;
    if (!ok && back.difference.empty()) {
      back.difference = fmt::format("  {}{}{}\n{}\n", printed.ok ? "" : "error: " + printed.error,
                                    printed.ok && printed.digests != outcome.digests ? " ops" : "",
                                    printed.ok && printed.image != outcome.image ? " image config" : "", again.text);
    }
    return ok;
  };
  back.plain = same(driver::PlainDockerfile(result->dockerfile, **buffer));
  back.pinned = same(driver::PlainDockerfile(result->dockerfile, **buffer, pins.pins()));
  return back;
}

}  // namespace loam::conformance
