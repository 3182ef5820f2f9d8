// JSON text exactly as Go's encoding/json writes a struct: fields in their order, empty ones left out, HTML characters
// escaped. Cache keys are digests of such texts, so every byte counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loam::ops {

// Quoted and escaped; bytes that are not UTF-8 become U+FFFD.
std::string GoJsonString(std::string_view text);
std::string GoJsonBase64(std::string_view bytes);

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
    if (list.size() > 0) {
      std::string array = "[";
      for (const auto& item : list) {
        if (array.size() > 1) {
          array += ',';
        }
        array += GoJsonString(item);
      }
      Always(name, array + "]");
    }
    return *this;
  }
  // Value is JSON already.
  GoJsonObject& Always(std::string_view name, std::string_view json);
  [[nodiscard]] std::string Text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

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
  return array + "]";
}

}  // namespace loam::ops
