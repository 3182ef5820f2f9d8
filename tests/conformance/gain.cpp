#include "tests/conformance/gain.h"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/driver/compile.h"
#include "compiler/passes/pass_manager.h"
#include "compiler/passes/rewriter.h"

namespace loam::conformance {
namespace {

Result<driver::CompileResult> CompileAt(Case& test, passes::OptLevel level) {
  driver::CompileOptions options;
  options.dockerfile.platforms = {"linux/amd64"};
  options.dockerfile.build_platform = "linux/amd64";
  options.dockerfile.local_unique_id = "golden";
  options.level = level;
  options.verify = true;
  source::SourceManager sources;
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  const source::Buffer* buffer = LOAM_TRY(sources.AddText("Dockerfile", test.text));
  return driver::Compile(sources, *buffer, options, test.host, emitter);
}

bool ShowsAll(const ir::Node& source) {
  const auto& attrs = source.As<ir::SourceAttrs>().attrs;
  return std::none_of(attrs.begin(), attrs.end(),
                      [](const ir::KeyValue& attr) { return attr.key == "local.followpaths"; });
}

GraphFigures FiguresOf(const ir::Module& module) {
  GraphFigures figures;
  std::vector<std::size_t> depth(module.graph.size());
  for (const ir::NodeId id : module.graph.PostOrder(passes::Roots(module))) {
    const ir::Node& node = module.graph.node(id);
    ++figures.vertices;
    figures.contexts += node.kind() == ir::OpKind::kSourceLocal ? 1 : 0;
    std::size_t before = 0;
    for (const ir::Value& operand : node.operands()) {
      if (operand.is_scratch()) {
        continue;
      }
      before = std::max(before, depth[operand.node]);
      if (module.graph.node(operand).kind() == ir::OpKind::kSourceLocal) {
        ++figures.context_steps;
        figures.whole_context_steps += ShowsAll(module.graph.node(operand)) ? 1 : 0;
      }
    }
    depth[id.value()] = before + 1;
    figures.critical_path = std::max(figures.critical_path, before + 1);
  }
  return figures;
}

}  // namespace

GraphFigures& GraphFigures::operator+=(const GraphFigures& other) {
  vertices += other.vertices;
  critical_path += other.critical_path;
  contexts += other.contexts;
  context_steps += other.context_steps;
  whole_context_steps += other.whole_context_steps;
  return *this;
}

Gain MeasureGain(std::vector<Case>& cases) {
  Gain gain;
  for (Case& test : cases) {
    if (!test.ok) {
      continue;
    }
    const auto before = CompileAt(test, passes::OptLevel::kO0);
    const auto after = CompileAt(test, passes::OptLevel::kO1);
    if (!before || !after || !before->ok || !after->ok) {
      gain.failures.push_back(test.file + ": " + (!after ? after.error().message() : "does not compile both ways"));
      continue;
    }
    bool same = before->platforms.size() == after->platforms.size();
    for (std::size_t i = 0; same && i < before->platforms.size(); ++i) {
      same = before->platforms[i].image_config == after->platforms[i].image_config;
    }
    if (!same) {
      gain.failures.push_back(test.file + ": the image configs differ");
    }
    ++gain.files;
    const GraphFigures o0 = FiguresOf(before->module);
    const GraphFigures o1 = FiguresOf(after->module);
    gain.o0 += o0;
    gain.o1 += o1;
    gain.fewer += o1.vertices < o0.vertices ? 1 : 0;
    gain.shorter += o1.critical_path < o0.critical_path ? 1 : 0;
    bool changed = false;
    for (const passes::PassReport& report : after->pass_reports) {
      PassFigures& figures = gain.passes[std::string(report.name)];
      figures.files += report.changes.empty() ? 0 : 1;
      figures.changes += report.changes.size();
      changed = changed || !report.changes.empty();
    }
    gain.changed += changed ? 1 : 0;
  }
  return gain;
}

std::string GainText(const Gain& gain) {
  std::string text = fmt::format("{} Dockerfiles, {} of them changed by -O1\n{:<38}{:>8}{:>8}\n", gain.files,
                                 gain.changed, "", "-O0", "-O1");
  const auto row = [&text](std::string_view name, std::size_t o0, std::size_t o1) {
    text += fmt::format(
        "{:<38}{:>8}{:>8}  {:+.1f} %\n", name, o0, o1,
        o0 == 0 ? 0.0 : 100.0 * (static_cast<double>(o1) - static_cast<double>(o0)) / static_cast<double>(o0));
  };
  row("vertices", gain.o0.vertices, gain.o1.vertices);
  row("vertices on critical paths", gain.o0.critical_path, gain.o1.critical_path);
  row("local sources", gain.o0.contexts, gain.o1.contexts);
  row("steps that read a context", gain.o0.context_steps, gain.o1.context_steps);
  row("steps that read a whole context", gain.o0.whole_context_steps, gain.o1.whole_context_steps);
  text += fmt::format("fewer vertices in {} files, a shorter critical path in {}\n", gain.fewer, gain.shorter);
  for (const std::string_view name : passes::PassNames()) {
    const auto found = gain.passes.find(std::string(name));
    const PassFigures figures = found == gain.passes.end() ? PassFigures() : found->second;
    text += fmt::format("{:<20}{:>6} changes in {:>4} files\n", name, figures.changes, figures.files);
  }
  for (const std::string& failure : gain.failures) {
    text += "FAILED " + failure + "\n";
  }
  return text;
}

}  // namespace loam::conformance
