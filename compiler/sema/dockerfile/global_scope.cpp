// The scope before the first FROM: platform arguments, ARG, SOURCE_DATE_EPOCH, proxies.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {

bool Converter::ReadPlatforms(std::string_view platform) {
  const auto parse = [&](std::string_view text, ir::Platform& out) {
    auto parsed = ParsePlatform(text, graph());
    if (!parsed) {
      emitter_.Emit<Kind::kBadPlatform>({}, text, parsed.error().message());
      return false;
    }
    out = NormalizePlatform(*parsed, graph());
    return true;
  };
  build_platform_ = HostPlatform(graph());
  if (!options().build_platform.empty() && !parse(options().build_platform, build_platform_)) {
    return false;
  }
  implicit_platform_ = platform.empty();
  target_platform_ = build_platform_;
  return implicit_platform_ || parse(platform, target_platform_);
}

void Converter::AddPlatformArguments() {
  const auto set = [&](std::string_view key, std::string_view value) {
    const auto given = build_args_.find(std::string(key));
    global_.Set(key, given != build_args_.end() ? std::string_view(given->second) : value);
  };
  std::string_view target = options().target;
  if (target.empty() && !input_.file->stages.empty()) {
    target = input_.file->stages.back().from->stage_id;
  }
  set("BUILDPLATFORM", Intern(FormatPlatform(build_platform_)));
  set("BUILDOS", build_platform_.os);
  set("BUILDOSVERSION", build_platform_.os_version);
  set("BUILDARCH", build_platform_.architecture);
  set("BUILDVARIANT", build_platform_.variant);
  set("TARGETPLATFORM", Intern(FormatPlatformFull(target_platform_)));
  set("TARGETOS", target_platform_.os);
  set("TARGETOSVERSION", target_platform_.os_version);
  set("TARGETARCH", target_platform_.architecture);
  set("TARGETVARIANT", target_platform_.variant);
  set("TARGETSTAGE", target.empty() ? "default" : target);
}

void Converter::ShowDefaultBases() {
  Environment defaults = global_;
  std::string expanded;
  const auto expand = [&](std::string_view word) {
    return WordExpander(defaults, {.escape = escape()}).Expand(word, expanded);
  };
  for (const ast::Arg* arg : input_.file->global_args) {
    for (const ast::ArgItem& item : arg->items) {
      if (!item.has_value) {
        continue;
      }
      if (!expand(item.value.text)) {
        return;
      }
      defaults.Set(item.key.text, Intern(expanded));
      if (!WithinBudget(item.value.text, RangeOf(item.value, *arg))) {
        return;
      }
    }
  }
  for (const ast::Stage& stage : input_.file->stages) {
    if (!expand(stage.from->base.text)) {
      return;
    }
    observer()->OnDefaultBase(*stage.from, expanded);
  }
}

std::vector<std::string_view> Converter::DeclaredArguments() const {
  std::vector<std::string_view> names = global_.Keys();
  for (const ast::Arg* arg : input_.file->global_args) {
    for (const ast::ArgItem& item : arg->items) {
      names.push_back(item.key.text);
    }
  }
  return names;
}

bool Converter::ReadGlobalArgument(const ast::Arg& arg, const ast::ArgItem& item) {
  const auto show = [&](std::optional<std::string_view> value, std::span<const std::string> matched) {
    if (parameters() != nullptr) {
      parameters()->OnGlobalArgument(arg, item, value, matched);
    }
  };
  const auto given = build_args_.find(std::string(item.key.text));
  if (given != build_args_.end()) {
    global_.Set(item.key.text, given->second);
    show(given->second, {});
    return true;
  }
  if (!item.has_value) {
    show(std::nullopt, {});
    return true;
  }
  WordExpander expander(global_, {.escape = escape()});
  if (!expander.Expand(item.value.text, scratch_)) {
    emitter_.Emit<Kind::kBadExpansion>(RangeOf(item.value, arg), item.value.text, expander.error());
    return false;
  }
  const std::string_view value = Intern(scratch_);
  global_.Set(item.key.text, value);
  show(value, expander.matched());
  return WithinBudget(item.value.text, RangeOf(item.value, arg));
}

bool Converter::ReadGlobalArguments() {
  AddPlatformArguments();
  if (observer() != nullptr) {
    ShowDefaultBases();
  }
  bool ok = true;
  for (const ast::Arg* arg : input_.file->global_args) {
    for (const ast::ArgItem& item : arg->items) {
      ok = ReadGlobalArgument(*arg, item) && ok;
    }
  }
  for (const auto& arg : build_args_) {
    const auto set = [&](std::string_view name, std::string_view ir::ProxyEnv::*field) {
      if (EqualsIgnoreCase(arg.first, name)) {
        if (!proxy_) {
          proxy_.emplace();
        }
        (*proxy_).*field = arg.second;
      }
    };
    set("http_proxy", &ir::ProxyEnv::http_proxy);
    set("https_proxy", &ir::ProxyEnv::https_proxy);
    set("ftp_proxy", &ir::ProxyEnv::ftp_proxy);
    set("no_proxy", &ir::ProxyEnv::no_proxy);
    set("all_proxy", &ir::ProxyEnv::all_proxy);
  }
  return ok;
}

}  // namespace loam::sema
