// JsonReader: reads a JSON text field by field, without a tree. Image configs are small and read once per base image,
// so this is the whole need; anything larger uses nlohmann.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loam::sema {

// After an error every call does nothing and `ok()` is false.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool ok() const { return ok_; }
  // Nothing but white space is left.
  bool AtEnd();

  // True and past it if a null stands here.
  bool Null();
  // for (bool more = reader.BeginObject(); more; more = reader.NextField()) { reader.key() … }
  bool BeginObject() { return Begin('{', '}') && Key(); }
  bool NextField() { return Next('}') && Key(); }
  [[nodiscard]] const std::string& key() const { return key_; }
  // for (bool more = reader.BeginArray(); more; more = reader.NextItem())
  bool BeginArray() { return Begin('[', ']'); }
  bool NextItem() { return Next(']'); }

  // A string; "" for null. Valid until the next call.
  std::string_view String();
  std::int64_t Integer();
  bool Bool();
  void Skip() { SkipValue(0); }

 private:
  static constexpr int kMaxDepth = 200;
  bool Fail() { return ok_ = false; }
  void SkipSpace();
  bool Take(char c);
  bool Word(std::string_view word);
  bool Begin(char open, char close);
  bool Next(char close);
  bool Key();
  bool ReadString(std::string& out);
  void SkipValue(int depth);

  std::string_view text_;
  std::size_t pos_ = 0;
  bool ok_ = true;
  std::string key_;
  std::string value_;
};

}  // namespace loam::sema
