#include "compiler/passes/pass_manager.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/pass.h"

namespace loam::passes {

namespace {

struct PassEntry {
  void (*run)(ir::Module&, Changes&);
  std::string_view name;
  OptLevel level;
  std::string_view summary;
};

constexpr PassEntry kPasses[] = {
#define LOAM_PASS(function, name, level, summary) {function, name, OptLevel::level, summary},
#include "compiler/passes/passes.def"
#undef LOAM_PASS
};

#ifdef NDEBUG
constexpr bool kAlwaysVerify = false;
#else
constexpr bool kAlwaysVerify = true;
#endif

PassReport Run(ir::Module& module, const PassEntry& pass) {
  PassReport report;
  report.name = pass.name;
  report.nodes_before = module.graph.size();
  pass.run(module, report.changes);
  report.nodes_after = module.graph.size();
  return report;
}

Result<> VerifyAfter(const ir::Module& module, std::string_view pass) {
  if (Result<> valid = ir::Verify(module); !valid) {
    return Unexpected(ErrorCode::kInternal,
                      fmt::format("the pass `{}` made an invalid module: {}", pass, valid.error().message()));
  }
  return {};
}

}  // namespace

std::optional<OptLevel> ParseOptLevel(std::string_view text) {
  if (text.starts_with('-')) {
    text.remove_prefix(1);
  }
  if (text.starts_with('O')) {
    text.remove_prefix(1);
  }
  if (text == "0") {
    return OptLevel::kO0;
  }
  if (text == "1") {
    return OptLevel::kO1;
  }
  return std::nullopt;
}

Result<std::vector<PassReport>> RunPasses(ir::Module& module, const PassOptions& options) {
  std::vector<PassReport> reports;
  const bool verify = kAlwaysVerify || options.verify;
  if (verify) {
    if (Result<> valid = ir::Verify(module); !valid) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, valid.error().message()).Wrap("invalid module"));
    }
  }
  for (const PassEntry& pass : kPasses) {
    if (pass.level > options.level) {
      continue;
    }
    reports.push_back(Run(module, pass));
    if (verify) {
      LOAM_TRY(VerifyAfter(module, pass.name));
    }
  }
  return reports;
}

Result<PassReport> RunPass(ir::Module& module, std::string_view name) {
  std::vector<std::string> names;
  for (const PassEntry& pass : kPasses) {
    if (pass.name == name) {
      PassReport report = Run(module, pass);
      LOAM_TRY(VerifyAfter(module, pass.name));
      return report;
    }
    names.emplace_back(pass.name);
  }
  Error error(ErrorCode::kNotFound, fmt::format("no pass is called `{}`", name));
  if (const auto near = NearestWord(name, names)) {
    return Unexpected(std::move(error).WithHint(fmt::format("did you mean `{}`?", *near)));
  }
  return Unexpected(std::move(error).WithHint(fmt::format("the passes are: {}", Join(names, ", "))));
}

std::vector<std::string_view> PassNames() {
  std::vector<std::string_view> names;
  for (const PassEntry& pass : kPasses) {
    names.push_back(pass.name);
  }
  return names;
}

std::string ExplainPasses(const std::vector<PassReport>& reports) {
  std::string text;
  for (const PassReport& report : reports) {
    for (const PassEntry& pass : kPasses) {
      if (pass.name == report.name) {
        text += fmt::format("{}: {}\n", pass.name, pass.summary);
      }
    }
    if (report.changes.empty()) {
      text += "  nothing to do\n";
      continue;
    }
    text += fmt::format("  {} change{}, {} -> {} nodes\n", report.changes.size(), report.changes.size() == 1 ? "" : "s",
                        report.nodes_before, report.nodes_after);
    for (const std::string& change : report.changes) {
      text += fmt::format("  - {}\n", change);
    }
  }
  return text.empty() ? "no passes run at -O0\n" : text;
}

}  // namespace loam::passes
