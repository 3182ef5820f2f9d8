#include "base/print.h"

namespace loam {

void VPrintTo(std::FILE* stream, fmt::string_view format, fmt::format_args arguments) {
  fmt::memory_buffer text;
  fmt::vformat_to(fmt::appender(text), format, arguments);
  std::fwrite(text.data(), 1, text.size(), stream);
}

}  // namespace loam
