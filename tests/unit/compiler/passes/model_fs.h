// A model of what ops do to filesystems, small enough to be obviously right: a filesystem is a map from paths to what
// was put there, runs and sources are black boxes named by all they depend on. Two modules that agree in this model for
// every input build the same filesystems.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/module.h"

namespace loam::passes {

using ModelFs = std::map<std::string, std::string>;

class ModelBuild {
 public:
  explicit ModelBuild(const ir::Module& module) : graph_(module.graph), results_(module.graph.size()) {
    std::vector<ir::Value> roots;
    for (const ir::ModuleResult& result : module.results) {
      roots.push_back(result.fs);
    }
    for (const ir::NodeId id : graph_.PostOrder(roots)) {
      Run(id);
    }
  }

  [[nodiscard]] ModelFs Fs(ir::Value value) const {
    return value.is_scratch() ? ModelFs() : results_[value.node].at(value.result);
  }

 private:
  static std::string Dump(const ModelFs& fs) {
    std::string text;
    for (const auto& [path, content] : fs) {
      text += path + "=" + content + ";";
    }
    return fmt::format("{:x}", std::hash<std::string>()(text));
  }

  void Run(ir::NodeId id) {
    const ir::Node& node = graph_.node(id);
    std::vector<ModelFs> inputs;
    for (const ir::Value& operand : node.operands()) {
      inputs.push_back(Fs(operand));
    }
    std::vector<ModelFs>& out = results_[id.value()];
    switch (node.kind()) {
      case ir::OpKind::kExec:
        RunExec(node.As<ir::ExecAttrs>(), inputs, out);
        return;
      case ir::OpKind::kFile:
        out = {RunFile(node.As<ir::FileAttrs>(), inputs)};
        return;
      case ir::OpKind::kMerge: {
        ModelFs merged;
        for (const ModelFs& layer : inputs) {
          for (const auto& [path, content] : layer) {
            merged[path] = content;
          }
        }
        out = {merged};
        return;
      }
      default: {
        // A source: its own files, and the users that live in it.
        const auto& source = node.As<ir::SourceAttrs>();
        const std::string name(source.identifier);
        out = {{{"/" + name, name}, {"/etc/passwd", "users of " + name}, {"/a", "a of " + name}}};
        for (const ir::KeyValue& attr : source.attrs) {
          if (attr.key == "local.followpaths") {
            std::erase_if(out[0], [&](const auto& file) {
              const std::string_view path = std::string_view(file.first).substr(1);
              return attr.value.find(fmt::format("\"{}\"", path)) == std::string_view::npos;
            });
          }
        }
        return;
      }
    }
  }

  static void RunExec(const ir::ExecAttrs& exec, const std::vector<ModelFs>& inputs, std::vector<ModelFs>& out) {
    std::string key;
    for (const std::string_view arg : exec.args) {
      key += std::string(arg) + " ";
    }
    for (const ir::Mount& mount : exec.mounts) {
      key += fmt::format("{}:{} ", mount.dest,
                         mount.input < 0 ? "-" : Dump(inputs.at(static_cast<std::size_t>(mount.input))));
    }
    for (const ir::Mount& mount : exec.mounts) {
      if (mount.output >= 0) {
        out.resize(std::max(out.size(), static_cast<std::size_t>(mount.output) + 1));
        ModelFs& fs = out[static_cast<std::size_t>(mount.output)];
        fs = mount.input < 0 ? ModelFs() : inputs.at(static_cast<std::size_t>(mount.input));
        fs["/made by run"] = key;
      }
    }
  }

  static ModelFs RunFile(const ir::FileAttrs& file, const std::vector<ModelFs>& inputs) {
    std::vector<ModelFs> states = inputs;
    const auto state = [&states](std::int64_t index) {
      return index < 0 ? ModelFs() : states.at(static_cast<std::size_t>(index));
    };
    ModelFs result;
    for (const ir::FileAction& action : file.actions) {
      ModelFs fs = state(action.input);
      std::string owner;
      if (action.owner) {
        for (const auto& user : {action.owner->user, action.owner->group}) {
          if (user) {
            owner += user->name.empty() ? fmt::format(" {}", user->id)
                                        : fmt::format(" {} in {}", user->name, state(user->input)["/etc/passwd"]);
          }
        }
      }
      const std::string path(action.path);
      switch (action.kind) {
        case ir::FileActionKind::kCopy: {
          ModelFs from = state(action.secondary_input);
          fs[path] = "copy " + (action.source == "/" ? Dump(from) : from[std::string(action.source)]) + owner;
          break;
        }
        case ir::FileActionKind::kMkfile:
          fs[path] = std::string(action.data) + owner;
          break;
        case ir::FileActionKind::kMkdir:
          fs.emplace(path, "dir" + owner);
          break;
        case ir::FileActionKind::kRm:
          fs.erase(path);
          break;
        case ir::FileActionKind::kSymlink:
          fs[path] = "-> " + std::string(action.source) + owner;
          break;
      }
      states.push_back(fs);
      if (action.output == 0) {
        result = fs;
      }
    }
    return result;
  }

  const ir::Graph& graph_;
  std::vector<std::vector<ModelFs>> results_;  // by node
};

}  // namespace loam::passes
