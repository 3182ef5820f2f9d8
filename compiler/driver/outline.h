// The parameters of a build: build arguments, secrets and SSH agents that the target and the stages it needs use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/sema/dockerfile/parameter_observer.h"
#include "compiler/source/source_range.h"

namespace loam::driver {

struct OutlineArg {
  std::string name;
  std::string description;  // of the comment line above that starts with the name
  std::string value;
  source::LineSpan lines;
};

struct OutlineSecret {
  std::string name;
  bool required = false;
  source::LineSpan lines;
};

struct Outline {
  std::string name;  // of the target; "" without one
  std::string description;
  // By line.
  std::vector<OutlineArg> args;
  std::vector<OutlineSecret> secrets;
  std::vector<OutlineSecret> ssh;
};

// Gathers an outline while the file is converted.
class OutlineCollector : public sema::ParameterObserver {
 public:
  OutlineCollector();
  ~OutlineCollector() override;
  OutlineCollector(const OutlineCollector&) = delete;
  OutlineCollector& operator=(const OutlineCollector&) = delete;

  // What is known so far; whole after the conversion.
  [[nodiscard]] Outline Collect() const;

  void OnGlobalArgument(const ast::Arg& arg, const ast::ArgItem& item, std::optional<std::string_view> value,
                        std::span<const std::string> matched) override;
  void OnStageHeader(const ast::From& from, std::span<const std::string> matched) override;
  void OnStages(std::span<const sema::StageShape> stages, const void* target) override;
  void OnArgument(const void* stage, const ast::ArgItem& item, source::LineSpan lines,
                  std::optional<std::string_view> value, bool inherited) override;
  void OnSecret(const void* stage, std::string_view id, bool required, source::LineSpan lines) override;
  void OnSsh(const void* stage, std::string_view id, bool required, source::LineSpan lines) override;

 private:
  struct Stage;
  class Walk;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace loam::driver
