#include <numeric>

#include <fmt/format.h>

#include "compiler/ir/fields.h"
#include "compiler/ir/text.h"
#include "compiler/ir/text_names.h"

namespace loam::ir {
namespace {

class Printer {
 public:
  Printer(const Module& module, const PrintOptions& options) : module_(module), options_(options) {}

  std::string Run() {
    Number();
    PrintSources(false);
    for (const NodeId id : order_) {
      PrintNode(id);
    }
    PrintSources(true);
    for (const ModuleResult& result : module_.results) {
      PrintResult(result);
    }
    return std::move(out_);
  }

 private:
  // Those that lie in a state stand behind the nodes.
  void PrintSources(bool with_state) {
    for (std::size_t i = 0; options_.metadata && i < module_.sources.size(); ++i) {
      const SourceFile& source = module_.sources[i];
      if (source.state.has_value() != with_state) {
        continue;
      }
      out_ += fmt::format("source {} ", i);
      String(source.filename);
      out_ += ' ';
      String(source.language);
      out_ += ' ';
      String(source.data);
      if (source.state) {
        out_ += " state=";
        Operand(*source.state);
      }
      out_ += '\n';
    }
  }

  void Number() {
    if (options_.reachable_only) {
      std::vector<Value> roots;
      for (const ModuleResult& result : module_.results) {
        roots.push_back(result.fs);
      }
      for (const SourceFile& source : module_.sources) {
        if (source.state) {
          roots.push_back(*source.state);
        }
      }
      order_ = module_.graph.PostOrder(roots);
    } else {
      for (std::uint32_t i = 0; i < module_.graph.size(); ++i) {
        order_.emplace_back(i);
      }
    }
    numbers_.assign(module_.graph.size(), Value::kNone);
    for (std::size_t i = 0; i < order_.size(); ++i) {
      numbers_[order_[i].value()] = static_cast<std::uint32_t>(i);
    }
  }

  void Operand(Value value) {
    if (value.is_scratch()) {
      out_ += "scratch";
      return;
    }
    out_ += fmt::format("%{}", numbers_[value.node]);
    if (value.result != 0) {
      out_ += fmt::format(":{}", value.result);
    }
  }

  void String(std::string_view text) {
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\t') {
        out_ += "\\t";
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        out_ += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  template <class T>
  void Field(const T& value) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      String(value);
    } else if constexpr (std::is_same_v<T, bool>) {
      out_ += value ? "true" : "false";
    } else if constexpr (std::is_enum_v<T>) {
      out_ += NameOf(value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      out_ += fmt::format("{}", value);
    } else if constexpr (IsOptional<T>::value) {
      Field(*value);
    } else if constexpr (IsSpan<T>::value) {
      out_ += '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        out_ += i > 0 ? ", " : "";
        Field(value[i]);
      }
      out_ += ']';
    } else {
      Struct(value);
    }
  }

  // Fields that have their default are left out.
  template <class T>
  void Struct(const T& value) {
    static const T kDefault{};
    out_ += '{';
    bool first = true;
    T::Fields(value, [&](const char* name, const auto& field) {
      const auto offset = reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&value);
      using F = std::remove_cvref_t<decltype(field)>;
      const F& usual = *reinterpret_cast<const F*>(reinterpret_cast<const char*>(&kDefault) + offset);
      if (EqualFields(field, usual)) {
        return;
      }
      out_ += first ? "" : ", ";
      first = false;
      out_.append(name).append("=");
      Field(field);
    });
    out_ += '}';
  }

  void PrintNode(NodeId id) {
    const Node& node = module_.graph.node(id);
    out_ += fmt::format("%{} = {}", numbers_[id.value()], GetOpInfo(node.kind()).text);
    if (node.open()) {
      out_ += " open\n";
      return;
    }
    if (!node.operands().empty()) {
      out_ += '(';
      for (std::size_t i = 0; i < node.operands().size(); ++i) {
        out_ += i > 0 ? ", " : "";
        Operand(node.operands()[i]);
      }
      out_ += ')';
    }
    out_ += ' ';
    VisitAttrsType(node.kind(), [&]<class A>(std::type_identity<A>) { Struct(node.As<A>()); });
    if (node.platform() != nullptr) {
      out_ += " platform=";
      Struct(*node.platform());
    }
    if (!node.worker_constraints().empty()) {
      out_ += " constraints=";
      Field(node.worker_constraints());
    }
    if (options_.metadata) {
      for (const Metadata* metadata : module_.graph.MetadataOf(id)) {
        out_ += " meta=";
        Struct(*metadata);
      }
    }
    out_ += '\n';
  }

  void PrintResult(const ModuleResult& result) {
    out_ += "result ";
    String(result.platform_id);
    out_ += " fs=";
    Operand(result.fs);
    const auto text = [&](std::string_view name, std::string_view value) {
      if (!value.empty()) {
        out_.append(" ").append(name).append("=");
        String(value);
      }
    };
    text("image", result.image_config);
    text("base", result.base_image_config);
    if (result.platform) {
      out_ += " platform=";
      Struct(*result.platform);
    }
    if (result.epoch) {
      out_ += fmt::format(" epoch={}", *result.epoch);
    }
    out_ += result.ignore_cache ? " ignore_cache\n" : "\n";
  }

  const Module& module_;
  const PrintOptions& options_;
  std::vector<NodeId> order_;
  std::vector<std::uint32_t> numbers_;
  std::string out_;
};

}  // namespace

std::string PrintModule(const Module& module, const PrintOptions& options) {
  return Printer(module, options).Run();
}

}  // namespace loam::ir
