// The JSON of `buildctl debug dump-llb`, as Go's encoder writes it.
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"
#include "base/go_json.h"
#include "llb-emit/describe.h"
#include "llb-emit/print.h"

namespace loam::llb {

namespace {

class JsonSink final : public FieldSink {
 public:
  explicit JsonSink(std::string& out) : out_(out) {}

  void Number(std::string_view name, std::int64_t value) override {
    Key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void Unsigned(std::string_view name, std::uint64_t value) override {
    Key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void Boolean(std::string_view name, bool value) override {
    Key(name);
    out_ += value ? "true" : "false";
  }
  void Text(std::string_view name, std::string_view value) override {
    Key(name);
    AppendGoJsonString(out_, value);
  }
  void Bytes(std::string_view name, std::string_view value) override {
    Key(name);
    out_ += GoJsonBase64(value);
  }
  void Open(std::string_view name, Shape shape) override {
    Key(name);
    in_list_.push_back(shape == Shape::kList);
    out_ += shape == Shape::kList ? '[' : '{';
    first_ = true;
  }
  void Close(Shape shape) override {
    in_list_.pop_back();
    out_ += shape == Shape::kList ? ']' : '}';
    first_ = false;
  }

 private:
  void Key(std::string_view name) {
    if (!first_) {
      out_ += ',';
    }
    first_ = false;
    if (!in_list_.empty() && !in_list_.back()) {
      AppendGoJsonString(out_, name);
      out_ += ':';
    }
  }

  std::string& out_;
  std::vector<bool> in_list_;
  bool first_ = true;
};

void AppendLine(const pb::Op& op, const Digest& digest, const pb::OpMetadata& metadata, std::string& out) {
  JsonSink sink(out);
  sink.Open("", FieldSink::Shape::kObject);
  sink.Open("Op", FieldSink::Shape::kObject);
  DescribeOp(op, sink);
  sink.Close(FieldSink::Shape::kObject);
  sink.Text("Digest", digest.ToString());
  sink.Open("OpMetadata", FieldSink::Shape::kObject);
  DescribeMetadata(metadata, sink);
  sink.Close(FieldSink::Shape::kObject);
  sink.Close(FieldSink::Shape::kObject);
  out += '\n';
}

}  // namespace

std::string DefinitionJson(const pb::Definition& definition) {
  std::string out;
  JsonSink sink(out);
  sink.Open("", FieldSink::Shape::kObject);
  DescribeDefinition(definition, sink);
  sink.Close(FieldSink::Shape::kObject);
  return out;
}

std::string PrintJson(const Graph& graph) {
  std::string out;
  const pb::Definition& definition = graph.definition();
  for (int i = 0; i < definition.def_size(); ++i) {
    const Digest& digest = graph.op_digests()[static_cast<std::size_t>(i)];
    pb::Op op;
    LOAM_CHECK(op.ParseFromString(definition.def(i)), "an op that was read can be read again");
    const auto metadata = definition.metadata().find(digest.ToString());
    AppendLine(op, digest, metadata == definition.metadata().end() ? pb::OpMetadata() : metadata->second, out);
  }
  return out;
}

}  // namespace loam::llb
