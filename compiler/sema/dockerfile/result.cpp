// The main context, and what a finished target becomes.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/dockerignore.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/local_source.h"
#include "compiler/sema/dockerfile/remote_context.h"

namespace loam::sema {

void Converter::UseContextPath(std::string_view path) {
  context_paths_.push_back(JoinPath("/", path));
}

State Converter::MainContext() {
  if (!context_) {
    if (input_.context) {
      context_is_local_ = false;
      context_ = Fs{*input_.context};
    } else if (!HasRemoteContext(options())) {
      context_ =
          AddStep(graph().AddOpen(ir::OpKind::kSourceLocal), Named("[internal] load build context", nullptr, {}));
    } else {
      context_is_local_ = false;
      auto remote = LoadRemoteContext(graph(), options(), *input_.host);
      if (!remote) {
        emitter_.Emit<Kind::kBadContext>({}, options().context_name, remote.error().message());
        context_ = Fs();
      } else {
        const Fs fetched = AddStep(
            remote->source, remote->source_name.empty() ? ir::Metadata() : Named(remote->source_name, nullptr, {}));
        const Fs files = remote->files == remote->source ? fetched : AddStep(remote->files, {}, {fetched.step});
        context_ = remote->context == remote->files ? files : AddStep(remote->context, {}, {files.step});
        context_source_ = remote->source;
      }
    }
  }
  State state;
  state.fs = *context_;
  return state;
}

bool Converter::CloseMainContext() {
  if (!context_ || !context_is_local_) {
    return true;
  }
  LocalSource source;
  source.name = options().context_name;
  source.shared_key_hint = options().context_name;
  source.follow_paths = context_paths_;
  if (options().read_dockerignore) {
    auto excludes = ReadDockerignore(*input_.host, options().context_name, options().file_name);
    if (!excludes) {
      emitter_.Emit<Kind::kBadContext>({}, options().context_name, excludes.error().message());
      return false;
    }
    source.exclude_patterns = std::move(*excludes);
  }
  CloseLocalSource(graph(), context_->value, source, options());
  return true;
}

void Converter::AnnotateSteps(const std::vector<std::uint32_t>& more_roots) {
  // Depth-first, inputs before their user, from the result. What the result does not need keeps no name.
  std::vector<bool> seen(steps_.size());
  struct Frame {
    std::uint32_t step;
    std::size_t next = 0;
  };
  std::vector<Frame> stack;
  const auto visit = [&](std::uint32_t root) {
    if (root == Fs::kNoStep || seen[root]) {
      return;
    }
    seen[root] = true;
    stack.push_back({root});
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const Step& step = steps_[frame.step];
      if (frame.next == step.inputs.size()) {
        graph().Annotate(step.value, step.metadata);
        stack.pop_back();
        continue;
      }
      const std::uint32_t input = step.inputs[frame.next++];
      if (input != Fs::kNoStep && !seen[input]) {
        seen[input] = true;
        stack.push_back({input});
      }
    }
  };
  visit(target_->state.fs.step);
  for (const std::uint32_t root : more_roots) {
    visit(root);
  }
}

bool Converter::Finish() {
  Stage& target = *target_;
  for (const auto& [key, value] : options().labels) {
    target.image.labels.emplace_back(key, value);
  }
  std::vector<std::uint32_t> scanned_steps;
  if (input_.scans != nullptr) {
    for (auto& [scan, step] : FindScanTargets()) {
      input_.scans->push_back(std::move(scan));
      scanned_steps.push_back(step);
    }
  }
  if (!CloseMainContext() || !CloseLocalContexts() || emitter_.has_errors()) {
    return false;
  }
  AnnotateSteps(scanned_steps);
  ir::Platform& platform = target.image.platform;
  if (!implicit_platform_) {
    const bool same = target_platform_.os == platform.os && target_platform_.architecture == platform.architecture;
    platform.os = target_platform_.os;
    platform.architecture = target_platform_.architecture;
    if (!target_platform_.variant.empty() || !same) {
      platform.variant = target_platform_.variant;
    }
    if (!target_platform_.os_version.empty() || !same) {
      platform.os_version = target_platform_.os_version;
    }
    if (!target_platform_.os_features.empty()) {
      platform.os_features = target_platform_.os_features;
    }
  }
  platform = NormalizePlatform(platform, graph());

  ir::ModuleResult& result = module_.results.emplace_back();
  result.platform_id = FormatPlatformFull(NormalizePlatform(target_platform_, graph()));
  result.fs = target.state.fs.value;
  result.image_config = WriteImageConfig(target.image);
  result.base_image_config = std::move(target.base_config);
  result.platform = target_platform_;
  result.epoch = epoch_;
  result.ignore_cache = target.ignore_cache;
  return true;
}

}  // namespace loam::sema
