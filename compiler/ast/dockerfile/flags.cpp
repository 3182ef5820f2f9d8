// Which flags each instruction has, and the checks on them.
#include <algorithm>

#include "base/strings.h"
#include "compiler/ast/dockerfile/builder.h"

namespace loam::ast {

namespace {

enum class FlagType : std::uint8_t { kBool, kString, kStrings };
struct FlagSpec {
  std::string_view name;
  FlagType type;
};

constexpr FlagSpec kAddFlags[] = {{"chown", FlagType::kString},    {"chmod", FlagType::kString},
                                  {"link", FlagType::kBool},       {"keep-git-dir", FlagType::kBool},
                                  {"checksum", FlagType::kString}, {"unpack", FlagType::kBool},
                                  {"exclude", FlagType::kStrings}};
constexpr FlagSpec kCopyFlags[] = {{"chown", FlagType::kString},    {"from", FlagType::kString},
                                   {"chmod", FlagType::kString},    {"link", FlagType::kBool},
                                   {"exclude", FlagType::kStrings}, {"parents", FlagType::kBool}};
constexpr FlagSpec kFromFlags[] = {{"platform", FlagType::kString}};
constexpr FlagSpec kRunFlags[] = {{"mount", FlagType::kStrings},
                                  {"network", FlagType::kString},
                                  {"security", FlagType::kString},
                                  {"device", FlagType::kStrings}};
constexpr FlagSpec kHealthcheckFlags[] = {{"interval", FlagType::kString},
                                          {"timeout", FlagType::kString},
                                          {"start-period", FlagType::kString},
                                          {"start-interval", FlagType::kString},
                                          {"retries", FlagType::kString}};

std::span<const FlagSpec> SpecsOf(InstructionKind kind) {
  switch (kind) {
    case InstructionKind::kAdd:
      return kAddFlags;
    case InstructionKind::kCopy:
      return kCopyFlags;
    case InstructionKind::kFrom:
      return kFromFlags;
    case InstructionKind::kRun:
      return kRunFlags;
    case InstructionKind::kHealthcheck:
      return kHealthcheckFlags;
    case InstructionKind::kArg:
    case InstructionKind::kCmd:
    case InstructionKind::kEntrypoint:
    case InstructionKind::kEnv:
    case InstructionKind::kExpose:
    case InstructionKind::kLabel:
    case InstructionKind::kMaintainer:
    case InstructionKind::kOnbuild:
    case InstructionKind::kShell:
    case InstructionKind::kStopSignal:
    case InstructionKind::kUser:
    case InstructionKind::kVolume:
    case InstructionKind::kWorkdir:
    case InstructionKind::kUnknown:
      return {};
  }
  return {};
}

// Upstream reads the flags of these and forgets them.
bool IgnoresFlags(const Instruction& instruction) {
  const auto* healthcheck = As<Healthcheck>(&instruction);
  return instruction.kind == InstructionKind::kArg || instruction.kind == InstructionKind::kStopSignal ||
         (healthcheck != nullptr && healthcheck->none);
}

void ReportUnknown(InstructionBuilder& builder, const Flag& flag, std::span<const FlagSpec> specs) {
  std::vector<std::string> names;
  for (const FlagSpec& spec : specs) {
    names.emplace_back(spec.name);
  }
  const std::string keyword = ToUpperAscii(builder.instruction().keyword.text);
  const std::optional<std::string> near = NearestWord(flag.name.text, names);
  auto report = builder.Report<diag::Kind::kUnknownFlag>(flag.name.range, keyword, flag.name.text);
  if (near) {
    report.Hint(fmt::format("did you mean `--{}`?", *near))
        .Fix(fmt::format("write `--{}`", *near), flag.name.range, *near);
  } else if (names.empty()) {
    report.Hint(fmt::format("`{}` has no flags at all", keyword));
  } else {
    report.Hint(fmt::format("it has --{}", Join(names, ", --")));
  }
}

// Returns whether the value is of the flag's type.
void CheckValue(InstructionBuilder& builder, const Flag& flag, FlagType type) {
  if (type != FlagType::kBool) {
    if (!flag.has_value) {
      builder.Report<diag::Kind::kFlagWithoutValue>(flag.range, flag.name.text)
          .Hint(fmt::format("write `--{}=value`, without a blank around the `=`", flag.name.text));
    }
    return;
  }
  if (!flag.has_value) {
    return;
  }
  if (flag.value.empty()) {
    builder.Report<diag::Kind::kFlagWithoutValue>(flag.range, flag.name.text)
        .Hint(fmt::format("write `--{}` alone for true", flag.name.text));
  } else if (!EqualsIgnoreCase(flag.value.text, "true") && !EqualsIgnoreCase(flag.value.text, "false")) {
    builder.Report<diag::Kind::kBadBoolean>(flag.value.range, flag.name.text, flag.value.text);
  }
}

}  // namespace

void CheckFlags(InstructionBuilder& builder) {
  const Instruction& instruction = builder.instruction();
  if (instruction.flags.empty() || instruction.kind == InstructionKind::kUnknown) {
    return;
  }
  if (IgnoresFlags(instruction)) {
    for (const Flag& flag : instruction.flags) {
      builder.emitter().Emit<diag::Kind::kIgnoredFlag>(flag.range, ToUpperAscii(instruction.keyword.text),
                                                       flag.name.text);
    }
    return;
  }
  const std::span<const FlagSpec> specs = SpecsOf(instruction.kind);
  // Flags repeat only in lists: what is looked through for repetition stays as short as the table.
  std::vector<const Flag*> seen;
  for (const Flag& flag : instruction.flags) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const FlagSpec& s) { return s.name == flag.name.text; });
    if (spec == specs.end()) {
      ReportUnknown(builder, flag, specs);
      continue;
    }
    const auto earlier =
        std::find_if(seen.begin(), seen.end(), [&](const Flag* f) { return f->name.text == flag.name.text; });
    if (earlier == seen.end()) {
      seen.push_back(&flag);
    } else if (spec->type != FlagType::kStrings) {
      builder.Report<diag::Kind::kDuplicateFlag>(flag.range, flag.name.text)
          .Label((*earlier)->range, "first given here");
    }
    CheckValue(builder, flag, spec->type);
  }
}

}  // namespace loam::ast
