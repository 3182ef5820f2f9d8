// HEALTHCHECK and its flags.
#include "compiler/ast/dockerfile/builder.h"
#include "compiler/ast/dockerfile/go_values.h"

namespace loam::ast {

namespace {

using syntax::TokenKind;

std::int64_t ReadInterval(InstructionBuilder& builder, std::string_view name) {
  constexpr std::int64_t kShortest = 1'000'000;
  const Text value = builder.FlagValue(name);
  if (value.empty()) {
    return 0;
  }
  const std::optional<std::int64_t> duration = ParseDuration(value.text);
  if (!duration) {
    builder.Report<diag::Kind::kBadDuration>(value.range, value.text)
        .Hint("write a number and a unit, such as `30s`, `1m30s` or `500ms`");
    return 0;
  }
  if (*duration != 0 && *duration < kShortest) {
    builder.Report<diag::Kind::kShortDuration>(value.range, value.text, name);
    return 0;
  }
  return *duration;
}

std::int32_t ReadRetries(InstructionBuilder& builder) {
  const Text value = builder.FlagValue("retries");
  if (value.empty()) {
    return 0;
  }
  const std::optional<std::int32_t> retries = ParseInt32(value.text);
  if (!retries || *retries < 0) {
    builder.Report<diag::Kind::kBadRetries>(value.range, value.text).Hint("write a whole number, 0 or larger");
    return 0;
  }
  return *retries;
}

}  // namespace

void BuildHealthcheck(InstructionBuilder& builder, Healthcheck& node) {
  node.none = builder.Has(TokenKind::kHealthNone);
  node.type = builder.First(node.none ? TokenKind::kHealthNone : TokenKind::kHealthCmd);
  if (node.none) {
    return;
  }
  node.command = builder.Command();
  if (node.command.args.empty()) {
    builder.Report<diag::Kind::kMissingArgument>(node.range, "HEALTHCHECK CMD", "a command");
  }
  node.interval = ReadInterval(builder, "interval");
  node.timeout = ReadInterval(builder, "timeout");
  node.start_period = ReadInterval(builder, "start-period");
  node.start_interval = ReadInterval(builder, "start-interval");
  node.retries = ReadRetries(builder);
}

}  // namespace loam::ast
