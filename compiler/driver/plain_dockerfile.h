// A Dockerfile printed back in one form: keywords in capitals, no comments, no blank lines but between stages, and
// `key=value` for every ENV and LABEL. It means the same to the byte: compiled again, every op has the same digest, and
// the image config (its history included) is the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/sema/dockerfile/parameter_observer.h"
#include "compiler/source/source_manager.h"

namespace loam::driver {

// An image name in the file, and what it was resolved to.
struct Pin {
  source::SourceRange range;
  std::string image;  // "alpine:3.20@sha256:…"
};

// Gathers the digests of FROM, COPY --from and RUN --mount=from while the file is converted. Images of stages that are
// not needed are not resolved, and so not pinned, unless CompileOptions::all_stages asks for them.
class PinCollector : public sema::ParameterObserver {
 public:
  // `file`: the one whose names are wanted; those of triggers in base images are not in it.
  explicit PinCollector(source::FileId file) : file_(file) {}

  void OnStages(std::span<const sema::StageShape> stages, const void* target) override;
  [[nodiscard]] const std::vector<Pin>& pins() const { return pins_; }

 private:
  source::FileId file_;
  std::vector<Pin> pins_;
};

// `file` is without errors.
std::string PlainDockerfile(const ast::Dockerfile& file, const source::Buffer& buffer,
                            const std::vector<Pin>& pins = {});

}  // namespace loam::driver
