// EXPOSE: ports and port ranges.
#include <algorithm>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

struct PortRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

Result<PortRange> ParsePortRange(std::string_view text) {
  const auto number = [&](std::string_view part) -> Result<std::uint64_t> {
    const auto value = ParseInt(part, 10, 64);
    if (!value || *value < 0 || *value > 65535) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no number from 0 to 65535", part));
    }
    return static_cast<std::uint64_t>(*value);
  };
  PortRange range;
  const std::size_t dash = text.find('-');
  range.first = range.last = LOAM_TRY(number(text.substr(0, dash)));
  if (dash != std::string_view::npos && text.substr(dash + 1) != text.substr(0, dash)) {
    range.last = LOAM_TRY(number(text.substr(dash + 1)));
    if (range.last < range.first) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the range `{}` ends before it begins", text));
    }
  }
  return range;
}

bool IsIpAddress(std::string_view text) {
  const std::string address(text);
  in6_addr bytes{};
  return ::inet_pton(AF_INET, address.c_str(), &bytes) == 1 || ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
}

// [[ip:]host-port:]port[-port][/protocol] as "port/protocol", one for each port.
// Shows the word to the observer, if there is one.
Result<std::vector<std::string>> ParsePort(std::string_view text, Observer* observer) {
  std::string_view ip;
  std::string_view host_port;
  std::string_view port = text;
  if (const std::size_t last = text.rfind(':'); last != std::string_view::npos) {
    port = text.substr(last + 1);
    const std::string_view front = text.substr(0, last);
    const std::size_t before = front.rfind(':');
    host_port = before == std::string_view::npos ? front : front.substr(before + 1);
    ip = before == std::string_view::npos ? std::string_view() : front.substr(0, before);
  }
  const std::size_t slash = port.find('/');
  const std::string_view written_protocol =
      slash == std::string_view::npos || slash + 1 == port.size() ? "tcp" : port.substr(slash + 1);
  const std::string protocol = ToLowerAscii(written_protocol);
  port = port.substr(0, slash);
  if (port.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "there is no port");
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no protocol (tcp, udp or sctp)", protocol));
  }
  if (observer != nullptr) {
    observer->OnPort({text, written_protocol, !ip.empty() || !host_port.empty()});
  }
  if (ip.starts_with('[') && ip.ends_with(']')) {
    ip = ip.substr(1, ip.size() - 2);
  }
  if (!ip.empty() && !IsIpAddress(ip)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no IP address", ip));
  }
  const PortRange range = LOAM_TRY(ParsePortRange(port));
  if (!host_port.empty()) {
    const PortRange host = LOAM_TRY(ParsePortRange(host_port));
    if (host.last - host.first != range.last - range.first && range.last != range.first) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("the ranges `{}` and `{}` are of different sizes", host_port, port));
    }
  }
  std::vector<std::string> ports;
  for (std::uint64_t number = range.first; number <= range.last; ++number) {
    ports.push_back(fmt::format("{}/{}", number, protocol));
  }
  return ports;
}

}  // namespace

bool Converter::DoExpose(Stage& stage, const ast::Expose& expose) {
  std::vector<const ast::Text*> sorted;
  for (const ast::Text& text : expose.ports) {
    sorted.push_back(&text);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->text < b->text; });
  std::vector<std::string_view> all;
  std::vector<std::pair<const ast::Text*, std::string>> ports_of;
  for (const ast::Text* text : sorted) {
    std::vector<std::string> words;
    WordExpander expander(stage.state.env, {.escape = escape()});
    if (!expander.ExpandToWords(text->text, words)) {
      emitter_.Emit<Kind::kBadExpansion>(RangeOf(*text, expose), text->text, expander.error());
      return false;
    }
    for (std::string& word : words) {
      ports_of.emplace_back(text, std::move(word));
    }
  }
  for (const auto& [text, word] : ports_of) {
    const auto ports = ParsePort(word, observer());
    if (!ports) {
      emitter_.Emit<Kind::kBadPort>(RangeOf(*text, expose), word, ports.error().message())
          .Hint("write a port or a range of ports, as `80`, `53/udp` or `8000-8010`");
      return false;
    }
    for (const std::string& port : *ports) {
      all.push_back(Intern(port));
    }
  }
  stage.image.exposed_ports.insert(stage.image.exposed_ports.end(), all.begin(), all.end());
  AddHistory(stage, "EXPOSE " + PlainList(all), false, false);
  return true;
}

}  // namespace loam::sema
