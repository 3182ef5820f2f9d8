#include "fixture.h"

#include <fmt/format.h>

namespace loam::sema::earthfile {

Evaluation::Evaluation() {
  host_.gate = &gate_;
  request_.sources = &sources_;
  request_.host = &host_;
  request_.effects = &effects_;
  request_.gate = &gate_;
  request_.options.native_platform = "linux/amd64";
  request_.options.user_platform = "linux/amd64";
  request_.options.invocation_directory = "/project";
  request_.options.local_unique_id = "unique";
  request_.options.version = "1.0";
  // Nothing begins ahead of its turn, so that the order of effects is that of the recipe.
  request_.options.parallelism = 1;
}

bool Evaluation::Run(std::string_view earthfile, std::vector<std::string> roots) {
  projects_.files["Earthfile"] =
      earthfile.starts_with("VERSION") ? std::string(earthfile) : "VERSION 0.8\n" + std::string(earthfile);
  project_ = std::make_unique<Project>(projects_, sources_, ProjectOptions{"", "/home/me", &gate_});
  request_.project = project_.get();
  request_.roots = std::move(roots);
  driver::earthfile::FromDockerfileCompiler dockerfiles(sources_);
  request_.dockerfiles = &dockerfiles;
  diag::Emitter emitter(consumer_);
  auto result = Evaluate(request_, emitter);
  outcome_.reset();
  error_.reset();
  if (!result) {
    error_ = std::move(result).error();
    return false;
  }
  outcome_ = std::move(*result);
  return outcome_.has_value();
}

std::vector<std::string> Evaluation::Steps(ir::Value fs) {
  std::vector<std::string> out;
  const ir::Graph& graph = outcome_->module.graph;
  for (const ir::NodeId id : graph.PostOrder({{fs}})) {
    const ir::Node& node = graph.node(id);
    switch (node.kind()) {
      case ir::OpKind::kSourceImage:
        out.push_back(fmt::format("image {}", node.As<ir::SourceAttrs>().identifier.substr(
                                                  0, node.As<ir::SourceAttrs>().identifier.find('@'))));
        break;
      case ir::OpKind::kSourceLocal: {
        std::string line = fmt::format("local {}", node.As<ir::SourceAttrs>().identifier);
        for (const ir::KeyValue& attr : node.As<ir::SourceAttrs>().attrs) {
          if (attr.key == "local.followpaths" || attr.key == "local.excludepatterns") {
            line += fmt::format(" {}={}", attr.key.substr(6), attr.value);
          }
        }
        out.push_back(line);
        break;
      }
      case ir::OpKind::kSourceGit:
        out.push_back(fmt::format("git {}", node.As<ir::SourceAttrs>().identifier));
        break;
      case ir::OpKind::kExec:
        out.push_back("exec " + ScriptOf(node.As<ir::ExecAttrs>()));
        break;
      case ir::OpKind::kMerge:
        out.emplace_back("merge");
        break;
      case ir::OpKind::kFile:
        for (const ir::FileAction& action : node.As<ir::FileAttrs>().actions) {
          std::string line = action.kind == ir::FileActionKind::kMkdir ? fmt::format("mkdir {}", action.path)
                             : action.kind == ir::FileActionKind::kMkfile
                                 ? fmt::format("mkfile {}", action.path)
                                 : fmt::format("copy {} -> {}", action.source, action.path);
          line += action.kind == ir::FileActionKind::kCopy && !action.dir_copy_contents ? " --dir" : "";
          line += action.kind == ir::FileActionKind::kCopy && !action.owner ? " keep-own" : "";
          line += action.kind == ir::FileActionKind::kCopy && action.mode >= 0 ? fmt::format(" {:o}", action.mode) : "";
          line += action.kind == ir::FileActionKind::kCopy && action.timestamp < 0 ? " keep-ts" : "";
          line += action.allow_empty_wildcard ? " if-exists" : "";
          out.push_back(line);
        }
        break;
      default:
        out.emplace_back("other");
    }
  }
  return out;
}

const ir::ExecAttrs* Evaluation::LastExec() {
  const ir::ExecAttrs* last = nullptr;
  const ir::Graph& graph = outcome_->module.graph;
  const ir::Value roots[] = {outcome_->roots.at(0)};
  for (const ir::NodeId id : graph.PostOrder(roots)) {
    if (graph.node(id).kind() == ir::OpKind::kExec) {
      last = &graph.node(id).As<ir::ExecAttrs>();
    }
  }
  return last;
}

std::vector<std::string> Evaluation::LastEnv() {
  std::vector<std::string> out;
  for (const std::string_view entry : LastExec()->env) {
    out.emplace_back(entry);
  }
  return out;
}

std::string Evaluation::Text(ir::Value fs) {
  ir::ModuleResult& result = outcome_->module.results.emplace_back();
  result.fs = fs;
  std::string text = ir::PrintModule(outcome_->module);
  outcome_->module.results.clear();
  return text;
}

std::string Evaluation::Mistakes() {
  std::string out;
  for (const diag::Diagnostic& diagnostic : consumer_.diagnostics()) {
    out += diagnostic.message + "\n";
    for (const std::string& note : diagnostic.notes) {
      out += "  note: " + note + "\n";
    }
    for (const std::string& hint : diagnostic.hints) {
      out += "  hint: " + hint + "\n";
    }
  }
  return out;
}

}  // namespace loam::sema::earthfile
