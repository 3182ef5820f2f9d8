// JSON text exactly as Go's encoding/json writes it: fields in their order, empty ones left out, HTML characters
// escaped. Cache keys and image configs are digests of such texts, so every byte counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loam {

// Quoted and escaped: control characters, `"`, `\`, `<`, `>`, `&`, U+2028 and U+2029; bytes that are not UTF-8 become
// \ufffd.
void AppendGoJsonString(std::string& out, std::string_view text);
std::string GoJsonString(std::string_view text);
// A []byte.
std::string GoJsonBase64(std::string_view bytes);

// JSON text from another printer with <, >, &, U+2028 and U+2029 escaped.
std::string EscapeLikeGo(std::string json);

// A list of texts.
template <class List>
std::string GoJsonStringList(const List& list) {
  std::string array = "[";
  for (const auto& item : list) {
    if (array.size() > 1) {
      array += ',';
    }
    AppendGoJsonString(array, item);
  }
  return array += ']';
}

// A list of values that are JSON already.
template <class List>
std::string GoJsonArray(const List& list) {
  std::string array = "[";
  for (const auto& item : list) {
    if (array.size() > 1) {
      array += ',';
    }
    array += item;
  }
  return array += ']';
}

// One object. The Add functions leave a field out when it has its zero value (`omitempty`); Always writes it.
class GoJsonObject {
 public:
  GoJsonObject& Add(std::string_view name, std::string_view text);
  GoJsonObject& Add(std::string_view name, std::int64_t number);
  GoJsonObject& AddFlag(std::string_view name, bool flag);
  // A []byte.
  GoJsonObject& AddBytes(std::string_view name, std::string_view bytes);
  // A list of texts.
  template <class List>
  GoJsonObject& AddList(std::string_view name, const List& list) {
    return list.size() > 0 ? Always(name, GoJsonStringList(list)) : *this;
  }
  // `json` is JSON already.
  GoJsonObject& Always(std::string_view name, std::string_view json);
  [[nodiscard]] std::string Text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

}  // namespace loam
