// The JSON of `buildctl debug dump-llb`, as Go's encoder writes it.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"
#include "llb-emit/describe.h"
#include "llb-emit/print.h"
#include "llb-emit/wire.h"

namespace loam::llb {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Go's rules: <, > and & are escaped for HTML, U+2028 and U+2029 for JavaScript; a byte that is not UTF-8 becomes
// U+FFFD.
void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      switch (byte) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\b':
          out += "\\b";
          break;
        case '\f':
          out += "\\f";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          if (byte < 0x20 || byte == '<' || byte == '>' || byte == '&') {
            out += "\\u00";
            out += kHexDigits[byte >> 4];
            out += kHexDigits[byte & 15];
          } else {
            out += static_cast<char>(byte);
          }
      }
      ++i;
      continue;
    }
    const std::size_t length = Utf8SequenceLength(text.substr(i));
    const std::string_view sequence = text.substr(i, length);
    if (length == 0) {
      out += "\\ufffd";
    } else if (sequence == "\xE2\x80\xA8") {
      out += "\\u2028";
    } else if (sequence == "\xE2\x80\xA9") {
      out += "\\u2029";
    } else {
      out += sequence;
    }
    i += length == 0 ? 1 : length;
  }
  out += '"';
}

void AppendBase64(std::string_view bytes, std::string& out) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      word = word << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= count ? kAlphabet[word >> (18 - 6 * j) & 63] : '=';
    }
  }
  out += '"';
}

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
    AppendJsonString(value, out_);
  }
  void Bytes(std::string_view name, std::string_view value) override {
    Key(name);
    AppendBase64(value, out_);
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
      AppendJsonString(name, out_);
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
