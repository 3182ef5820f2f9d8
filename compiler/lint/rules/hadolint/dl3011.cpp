// DL3011: a port above 65535.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsTooHigh(std::string_view port) {
  return !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos &&
         (port.size() > 5 || std::stoi(std::string(port)) > 65535);
}

}  // namespace

void CheckDL3011(const FileView& file, const Reporter& report) {
  Each<ast::Expose>(file, [&](const InstructionView& view, const ast::Expose& expose) {
    for (const ast::Text& word : expose.ports) {
      const std::string_view ports = word.text.substr(0, word.text.find('/'));
      const std::size_t dash = ports.find('-');
      if (IsTooHigh(ports.substr(0, dash)) || (dash != std::string_view::npos && IsTooHigh(ports.substr(dash + 1)))) {
        report(view);
        return;
      }
    }
  });
}

}  // namespace loam::lint::hadolint
