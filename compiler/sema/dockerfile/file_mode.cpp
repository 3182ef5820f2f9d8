#include "compiler/sema/dockerfile/file_mode.h"

namespace loam::sema {

bool IsSymbolicMode(std::string_view text) {
  const auto take = [&](std::string_view set) {
    const std::size_t end = text.find_first_not_of(set);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  };
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) {
    return false;
  }
  for (;;) {
    take("augo");
    // One operator or more, each with what it sets.
    do {
      if (text.empty() || std::string_view("+-=").find(text.front()) == std::string_view::npos) {
        return false;
      }
      text.remove_prefix(1);
      take("rstwXxugo");
      if (text.empty()) {
        return true;
      }
    } while (text.front() != ',');
    text.remove_prefix(1);
  }
}

}  // namespace loam::sema
