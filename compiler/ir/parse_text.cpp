#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/format.h>

#include "compiler/ir/fields.h"
#include "compiler/ir/text.h"
#include "compiler/ir/text_names.h"

namespace loam::ir {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::uint32_t kMaxSources = 10000;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Module> Run() {
    while (ok_) {
      SkipSpace();
      if (pos_ == text_.size()) {
        break;
      }
      Statement();
    }
    if (!ok_) {
      const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(failed_at_), '\n');
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("line {}: {}", line, message_));
    }
    return std::move(module_);
  }

 private:
  bool Fail(std::string message) {
    if (ok_) {
      ok_ = false;
      failed_at_ = pos_;
      message_ = std::move(message);
    }
    return false;
  }

  // White space and `# comments`.
  void SkipSpace() {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '#') {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++pos_;
      } else {
        return;
      }
    }
  }
  bool At(char c) {
    SkipSpace();
    return ok_ && pos_ < text_.size() && text_[pos_] == c;
  }
  bool Take(char c) {
    if (!At(c)) {
      return false;
    }
    ++pos_;
    return true;
  }
  bool Expect(char c) { return Take(c) || Fail(fmt::format("expected `{}`", c)); }
  std::string_view Word() {
    SkipSpace();
    const std::size_t start = pos_;
    while (pos_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[pos_])) != 0 || text_[pos_] == '_' || text_[pos_] == '.')) {
      ++pos_;
    }
    return text_.substr(start, pos_ - start);
  }
  template <class T>
  bool Number(T& out) {
    SkipSpace();
    const auto [end, error] = std::from_chars(text_.data() + pos_, text_.data() + text_.size(), out);
    if (error != std::errc()) {
      return Fail("expected a number");
    }
    pos_ = static_cast<std::size_t>(end - text_.data());
    return true;
  }

  std::string String() {
    std::string out;
    if (!Expect('"')) {
      return out;
    }
    while (pos_ < text_.size() && text_[pos_] != '"') {
      char c = text_[pos_++];
      if (c == '\\' && pos_ < text_.size()) {
        c = text_[pos_++];
        if (c == 'n') {
          c = '\n';
        } else if (c == 't') {
          c = '\t';
        } else if (c == 'x') {
          unsigned value = 0;
          const auto [end, error] =
              std::from_chars(text_.data() + pos_, text_.data() + std::min(pos_ + 2, text_.size()), value, 16);
          if (error != std::errc() || end != text_.data() + pos_ + 2) {
            Fail("expected two hexadecimal digits");
            return out;
          }
          pos_ += 2;
          c = static_cast<char>(static_cast<unsigned char>(value));
        }
      }
      out += c;
    }
    if (pos_ == text_.size()) {
      Fail("a string is not closed");
      return out;
    }
    ++pos_;
    return out;
  }

  bool Operand(Value& out) {
    out = {};
    if (!Take('%')) {
      return Word() == "scratch" || Fail("expected a value");
    }
    std::uint32_t number = 0;
    if (!Number(number)) {
      return false;
    }
    const auto found = values_.find(number);
    if (found == values_.end()) {
      return Fail(fmt::format("%{} is not defined above", number));
    }
    out = found->second;
    if (pos_ < text_.size() && text_[pos_] == ':') {
      ++pos_;
      return Number(out.result);
    }
    return true;
  }

  template <class T>
  bool Field(T& out) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      out = module_.graph.Intern(String());
      return ok_;
    } else if constexpr (std::is_same_v<T, bool>) {
      const std::string_view word = Word();
      out = word == "true";
      return out || word == "false" || Fail("expected true or false");
    } else if constexpr (std::is_enum_v<T>) {
      const std::string_view word = Word();
      const auto value = ValueOf<T>(word);
      out = value.value_or(T{});
      return value.has_value() || Fail(fmt::format("unknown name `{}`", word));
    } else if constexpr (std::is_arithmetic_v<T>) {
      return Number(out);
    } else if constexpr (IsOptional<T>::value) {
      return Field(out.emplace());
    } else if constexpr (IsSpan<T>::value) {
      using Item = typename IsSpan<T>::Item;
      std::vector<Item> items;
      if (++depth_ > kMaxDepth || !Expect('[')) {
        return Fail("nested too deep");
      }
      while (ok_ && !At(']')) {
        Field(items.emplace_back());
        if (!Take(',')) {
          break;
        }
      }
      --depth_;
      out = module_.graph.CopyArray<Item>(items);
      return Expect(']');
    } else {
      return Struct(out);
    }
  }

  template <class T>
  bool Struct(T& out) {
    if (++depth_ > kMaxDepth || !Expect('{')) {
      return Fail("nested too deep");
    }
    while (ok_ && !At('}')) {
      const std::string_view name = Word();
      if (!Expect('=')) {
        return false;
      }
      bool known = false;
      T::Fields(out, [&](const char* field_name, auto& field) {
        if (!known && name == field_name) {
          known = true;
          Field(field);
        }
      });
      if (!known) {
        return Fail(fmt::format("unknown field `{}`", name));
      }
      if (!Take(',')) {
        break;
      }
    }
    --depth_;
    return Expect('}');
  }

  void Statement() {
    if (At('%')) {
      NodeStatement();
      return;
    }
    const std::string_view word = Word();
    if (word == "source") {
      SourceStatement();
    } else if (word == "result") {
      ResultStatement();
    } else {
      Fail("expected `%`, `source` or `result`");
    }
  }

  void NodeStatement() {
    std::uint32_t number = 0;
    if (!Expect('%') || !Number(number) || !Expect('=')) {
      return;
    }
    const std::string_view name = Word();
    const auto kind = FindOp(name);
    if (!kind) {
      Fail(fmt::format("unknown op `{}`", name));
      return;
    }
    std::vector<Value> operands;
    if (Take('(')) {
      while (ok_ && !At(')')) {
        Value operand;
        if (!Operand(operand)) {
          return;
        }
        if (operand.is_scratch() || operand.result >= module_.graph.node(operand).result_count()) {
          Fail("an operand must be a value that exists, and not scratch");
          return;
        }
        operands.push_back(operand);
        if (!Take(',')) {
          break;
        }
      }
      if (!Expect(')')) {
        return;
      }
    }
    VisitAttrsType(*kind, [&]<class A>(std::type_identity<A>) {
      A attrs{};
      if (At('{') && !Struct(attrs)) {
        return;
      }
      NodeOptions options;
      Platform platform;
      std::vector<Metadata> metadata;
      for (std::size_t mark = pos_; ok_; mark = pos_) {
        const std::string_view key = Word();
        if (key == "platform" && Expect('=')) {
          Struct(platform);
          options.platform = &platform;
        } else if (key == "constraints" && Expect('=')) {
          Field(options.worker_constraints);
        } else if (key == "meta" && Expect('=')) {
          Struct(metadata.emplace_back());
        } else {
          pos_ = mark;
          break;
        }
      }
      if (!ok_) {
        return;
      }
      const Value value = module_.graph.AddAny(*kind, operands, &attrs, options);
      for (const Metadata& one : metadata) {
        module_.graph.Annotate(value, one);
      }
      if (!values_.emplace(number, value).second) {
        Fail(fmt::format("%{} is defined twice", number));
      }
    });
  }

  void SourceStatement() {
    std::uint32_t number = 0;
    SourceFile source;
    if (!Number(number)) {
      return;
    }
    source.filename = String();
    source.language = String();
    source.data = String();
    const std::size_t mark = pos_;
    if (Word() == "state" && Expect('=')) {
      Operand(source.state.emplace());
    } else {
      pos_ = mark;
    }
    if (number > kMaxSources) {
      Fail("too many sources");
      return;
    }
    module_.sources.resize(std::max<std::size_t>(module_.sources.size(), number + 1));
    module_.sources[number] = std::move(source);
  }

  void ResultStatement() {
    ModuleResult result;
    result.platform_id = String();
    for (std::size_t mark = pos_; ok_; mark = pos_) {
      const std::string_view key = Word();
      if (key == "fs" && Expect('=')) {
        Operand(result.fs);
      } else if (key == "image" && Expect('=')) {
        result.image_config = String();
      } else if (key == "base" && Expect('=')) {
        result.base_image_config = String();
      } else if (key == "platform" && Expect('=')) {
        Struct(result.platform.emplace());
      } else if (key == "epoch" && Expect('=')) {
        Number(result.epoch.emplace());
      } else if (key == "ignore_cache") {
        result.ignore_cache = true;
      } else {
        pos_ = mark;
        break;
      }
    }
    module_.results.push_back(std::move(result));
  }

  std::string_view text_;
  std::size_t pos_ = 0;
  std::size_t depth_ = 0;
  bool ok_ = true;
  std::size_t failed_at_ = 0;
  std::string message_;
  Module module_;
  std::unordered_map<std::uint32_t, Value> values_;
};

}  // namespace

Result<Module> ParseModule(std::string_view text) {
  return Parser(text).Run();
}

}  // namespace loam::ir
