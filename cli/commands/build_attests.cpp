#include "cli/commands/build_attests.h"

#include <fmt/format.h>

#include "base/csv.h"
#include "base/strings.h"

namespace loam::cli {
namespace {

using Options = std::map<std::string, std::string>;

bool IsTrue(std::string_view text) {
  return text == "true" || text == "1";
}
bool IsFalse(std::string_view text) {
  return text == "false" || text == "0";
}

// The later of two flags of one kind wins.
Result<> AddAttest(const std::string& flag, std::string kind, const std::string& text, Options& attests) {
  const auto fields = SplitCsv(text);
  if (!fields) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}={}`: a quote is not closed", flag, text));
  }
  std::vector<std::string> attributes;
  bool disabled = false;
  for (const std::string& field : *fields) {
    const auto pair = SplitOnce(field, '=');
    if (pair && pair->first == "type") {
      kind = std::string(pair->second);
    } else if (pair && pair->first == "disabled") {
      disabled = IsTrue(pair->second);
    } else if (pair && pair->first == "mode" && pair->second != "min" && pair->second != "max") {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`{}={}`: mode is min or max, not `{}`", flag, text, pair->second));
    } else if (pair) {
      attributes.push_back(field);
    } else if (!field.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("`{}={}`: `{}` is not of the form key=value", flag, text, field));
    }
  }
  if (kind != "provenance" && kind != "sbom") {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}={}` has no known type", flag, text))
                          .WithHint("types: provenance, sbom"));
  }
  const std::string option = "attest:" + kind;
  if (disabled) {
    attests.erase(option);
  } else {
    attests[option] = Join(attributes, ",");
  }
  return {};
}

// `--sbom`, `--sbom=true|false`, `--sbom=generator=IMAGE`
Result<> AddShort(const Flags& flags, const std::string& name, Options& attests) {
  if (!flags.Has(name)) {
    return {};
  }
  const std::string value = flags.String(name);
  if (IsFalse(value)) {
    attests.erase("attest:" + name);
    return {};
  }
  return AddAttest("--" + name, name, IsTrue(value) ? "" : value, attests);
}

}  // namespace

Result<std::map<std::string, std::string>> ParseAttests(const Flags& flags) {
  Options attests;
  for (const std::string& text : flags.List("attest")) {
    LOAM_TRY(AddAttest("--attest", "", text, attests));
  }
  LOAM_TRY(AddShort(flags, "provenance", attests));
  LOAM_TRY(AddShort(flags, "sbom", attests));
  return attests;
}

}  // namespace loam::cli
