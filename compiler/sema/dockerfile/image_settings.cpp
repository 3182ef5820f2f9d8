// Instructions that only change the image config: CMD, ENTRYPOINT, HEALTHCHECK, USER, VOLUME, STOPSIGNAL, SHELL,
// MAINTAINER.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/signals.h"

namespace loam::sema {
namespace {

std::vector<std::string_view> TextsOf(ast::List<ast::Text> texts) {
  std::vector<std::string_view> out;
  for (const ast::Text& text : texts) {
    out.push_back(text.text);
  }
  return out;
}

std::string_view ShellText(const ast::CommandLine& command) {
  return command.args.empty() ? std::string_view() : command.args.front().text;
}

}  // namespace

bool Converter::DoCmd(Stage& stage, const ast::Cmd& cmd) {
  if (observer() != nullptr) {
    observer()->OnCommand(!stage.image.shell.empty());
  }
  stage.image.cmd = cmd.command.json ? TextsOf(cmd.command.args) : WithShell(stage, ShellText(cmd.command));
  stage.image.args_escaped = true;
  stage.cmd_set = true;
  AddHistory(stage, "CMD " + QuotedList(stage.image.cmd), false, false);
  return true;
}

bool Converter::DoEntrypoint(Stage& stage, const ast::Entrypoint& entrypoint) {
  if (observer() != nullptr) {
    observer()->OnCommand(!stage.image.shell.empty());
  }
  stage.image.entrypoint =
      entrypoint.command.json ? TextsOf(entrypoint.command.args) : WithShell(stage, ShellText(entrypoint.command));
  // A CMD of the base belongs to the base's entry point.
  if (!stage.cmd_set) {
    stage.image.cmd.clear();
  }
  AddHistory(stage, "ENTRYPOINT " + QuotedList(stage.image.entrypoint), false, false);
  return true;
}

bool Converter::DoHealthcheck(Stage& stage, const ast::Healthcheck& healthcheck) {
  if (observer() != nullptr) {
    observer()->OnCommand(!stage.image.shell.empty());
  }
  Healthcheck check;
  if (healthcheck.none) {
    check.test = {"NONE"};
  } else {
    check.test = TextsOf(healthcheck.command.args);
    check.test.insert(check.test.begin(), healthcheck.command.json ? "CMD" : "CMD-SHELL");
    check.interval = healthcheck.interval;
    check.timeout = healthcheck.timeout;
    check.start_period = healthcheck.start_period;
    check.start_interval = healthcheck.start_interval;
    check.retries = healthcheck.retries;
  }
  AddHistory(stage,
             fmt::format("HEALTHCHECK {{Test:{} Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
                         PlainList(check.test), FormatDuration(check.interval), FormatDuration(check.timeout),
                         FormatDuration(check.start_period), FormatDuration(check.start_interval), check.retries),
             false, false);
  stage.image.healthcheck = std::move(check);
  return true;
}

bool Converter::DoUser(Stage& stage, const ast::User& user) {
  std::string_view name;
  if (!Expand(stage, user.user, user, name)) {
    return false;
  }
  stage.state.user = name;
  stage.image.user = name;
  AddHistory(stage, fmt::format("USER {}", name), false, false);
  return true;
}

bool Converter::DoVolume(Stage& stage, const ast::Volume& volume) {
  std::vector<std::string_view> paths;
  for (const ast::Text& text : volume.paths) {
    std::string_view path;
    if (!Expand(stage, text, volume, path)) {
      return false;
    }
    if (path.empty()) {
      emitter_.Emit<Kind::kBlankVolume>(RangeOf(text, volume));
      return false;
    }
    paths.push_back(path);
  }
  stage.image.volumes.insert(stage.image.volumes.end(), paths.begin(), paths.end());
  AddHistory(stage, "VOLUME " + PlainList(paths), false, false);
  return true;
}

bool Converter::DoStopSignal(Stage& stage, const ast::StopSignal& signal) {
  std::string_view name;
  if (!Expand(stage, signal.signal, signal, name)) {
    return false;
  }
  if (!IsSignal(name)) {
    emitter_.Emit<Kind::kBadSignal>(RangeOf(signal.signal, signal), name)
        .Hint("give a number, or a name such as SIGTERM or RTMIN+3");
    return false;
  }
  stage.image.stop_signal = name;
  AddHistory(stage, fmt::format("STOPSIGNAL {}", name), false, false);
  return true;
}

bool Converter::DoShell(Stage& stage, const ast::Shell& shell) {
  stage.image.shell = TextsOf(shell.command.args);
  AddHistory(stage, "SHELL " + PlainList(stage.image.shell), false, false);
  return true;
}

bool Converter::DoMaintainer(Stage& stage, const ast::Maintainer& maintainer) {
  stage.image.author = maintainer.name.text;
  AddHistory(stage, fmt::format("MAINTAINER {}", maintainer.name.text), false, false);
  return true;
}

}  // namespace loam::sema
