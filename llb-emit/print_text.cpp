// LLB as indented text: one field a line, a repeated field once for each element.
#include <iterator>

#include <fmt/format.h>

#include "llb-emit/describe.h"
#include "llb-emit/print.h"

namespace loam::llb {

namespace {

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out += '"';
}

class TextSink final : public FieldSink {
 public:
  explicit TextSink(std::string& out) : out_(out) {}

  void Number(std::string_view name, std::int64_t value) override { Line(name, fmt::format("{}", value)); }
  void Unsigned(std::string_view name, std::uint64_t value) override { Line(name, fmt::format("{}", value)); }
  void Boolean(std::string_view name, bool value) override { Line(name, value ? "true" : "false"); }
  void Text(std::string_view name, std::string_view value) override { Line(name, Quoted(value)); }
  void Bytes(std::string_view name, std::string_view value) override { Line(name, Quoted(value)); }
  void Open(std::string_view name, Shape shape) override {
    if (shape == Shape::kList) {
      levels_.push_back({std::string(name), true, false});
      return;
    }
    // Levels that only JSON needs.
    const bool shown = name != "Op" && name != "User" && name != "Action";
    if (shown) {
      Line(name, "");
      ++indent_;
    }
    levels_.push_back({{}, false, shown});
  }
  void Close(Shape) override {
    indent_ -= levels_.back().indented ? 1 : 0;
    levels_.pop_back();
  }

 private:
  struct Level {
    std::string list_name;
    bool list = false;
    bool indented = false;
  };

  void Line(std::string_view name, std::string_view value) {
    if (name.empty() && !levels_.empty() && levels_.back().list) {
      name = levels_.back().list_name;
    }
    out_.append(indent_ * 2, ' ');
    out_.append(name);
    if (!value.empty()) {
      out_ += ' ';
      out_.append(value);
    }
    out_ += '\n';
  }

  std::string& out_;
  std::vector<Level> levels_;
  std::size_t indent_ = 1;
};

std::string EdgeText(const Edge& edge) {
  return edge.output == 0 ? fmt::format("op {}", edge.vertex.value())
                          : fmt::format("op {} output {}", edge.vertex.value(), edge.output);
}

void AppendLocations(const Graph& graph, const pb::Locations& locations, std::string& out) {
  for (const pb::Location& location : locations.locations()) {
    const std::string& file = graph.definition().source().infos(location.sourceindex()).filename();
    for (const pb::Range& range : location.ranges()) {
      fmt::format_to(std::back_inserter(out), "  at {}:{}:{}-{}:{}\n", file, range.start().line(),
                     range.start().character(), range.end().line(), range.end().character());
    }
  }
}

}  // namespace

std::string PrintDigests(const Graph& graph) {
  std::string out;
  for (const Digest& digest : graph.op_digests()) {
    out += digest.ToString();
    out += '\n';
  }
  return out;
}

std::string PrintText(const Graph& graph) {
  std::string out;
  for (std::size_t i = 0; i < graph.vertices().size(); ++i) {
    const Vertex& vertex = graph.vertices()[i];
    fmt::format_to(std::back_inserter(out), "op {} {}{}\n", i, vertex.digest.ToString(),
                   vertex.reachable ? "" : " (not needed)");
    for (const Edge& input : vertex.inputs) {
      fmt::format_to(std::back_inserter(out), "  from {}\n", EdgeText(input));
    }
    pb::Op op = vertex.op;
    op.clear_inputs();
    TextSink sink(out);
    DescribeOp(op, sink);
    if (vertex.metadata != nullptr) {
      sink.Open("metadata", FieldSink::Shape::kObject);
      DescribeMetadata(*vertex.metadata, sink);
      sink.Close(FieldSink::Shape::kObject);
    }
    if (vertex.locations != nullptr) {
      AppendLocations(graph, *vertex.locations, out);
    }
    out += '\n';
  }
  out += graph.is_scratch() ? "result scratch\n" : fmt::format("result {}\n", EdgeText(graph.root()));
  return out;
}

}  // namespace loam::llb
