#include "runtime-executor/gateway/bridge/solve_json.h"

#include <iterator>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/go_json.h"
#include "llb-emit/describe.h"

namespace loam::gateway {
namespace {

// The walk over an op shows Go's structs; in protobuf's JSON the members of a oneof lie in the message itself, and
// one field has another name. 64-bit numbers, which protobuf writes as texts and reads in both ways, stay numbers.
class ProtoJson final : public llb::FieldSink {
 public:
  explicit ProtoJson(std::string& out) : out_(out) { open_.push_back({Shape::kObject, false, true}); }

  void Number(std::string_view name, std::int64_t value) override {
    Key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void Unsigned(std::string_view name, std::uint64_t value) override {
    Key(name == "byId" ? "byID" : name);
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
    const bool oneof = shape == Shape::kObject && open_.back().shape == Shape::kObject &&
                       (name == "Op" || name == "Action" || name == "User");
    if (oneof) {
      open_.push_back({shape, true, open_.back().first});
      return;
    }
    Key(name);
    out_ += shape == Shape::kList ? '[' : '{';
    open_.push_back({shape, false, true});
  }
  void Close(Shape shape) override {
    const Level closed = open_.back();
    open_.pop_back();
    if (closed.transparent) {
      open_.back().first = closed.first;
      return;
    }
    out_ += shape == Shape::kList ? ']' : '}';
  }

 private:
  struct Level {
    Shape shape;
    bool transparent;  // without braces of its own
    bool first;        // nothing is written yet
  };
  void Key(std::string_view name) {
    Level& level = open_.back();
    if (!level.first) {
      out_ += ',';
    }
    level.first = false;
    if (level.shape != Shape::kList) {
      AppendGoJsonString(out_, name);
      out_ += ':';
    }
  }

  std::string& out_;
  std::vector<Level> open_;
};

}  // namespace

std::string SolveDetailJson(const errdefs::Solve& solve) {
  GoJsonObject object;
  object.AddList("inputIDs", solve.inputids()).AddList("mountIDs", solve.mountids());
  if (solve.has_op()) {
    std::string op = "{";
    ProtoJson sink(op);
    llb::DescribeOp(solve.op(), sink);
    object.Always("op", op + "}");
  }
  if (solve.has_file()) {
    object.Always("file", GoJsonObject().Add("index", solve.file().index()).Text());
  }
  if (solve.has_cache()) {
    object.Always("cache", GoJsonObject().Add("index", solve.cache().index()).Text());
  }
  if (!solve.description().empty()) {
    const std::map<std::string, std::string> sorted(solve.description().begin(), solve.description().end());
    GoJsonObject description;
    for (const auto& [name, value] : sorted) {
      description.Always(name, GoJsonString(value));
    }
    object.Always("description", description.Text());
  }
  return object.Text();
}

}  // namespace loam::gateway
