// Commands that change the image config: WORKDIR, USER, CMD, ENTRYPOINT, EXPOSE, VOLUME, LABEL, HEALTHCHECK.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

using ast::earthfile::CommandKind;

std::optional<std::pair<std::uint64_t, std::uint64_t>> ParsePortRange(std::string_view text) {
  const auto dash = SplitOnce(text, '-');
  const auto first = ParseUint(dash ? dash->first : text, 10, 16);
  const auto last = dash ? ParseUint(dash->second, 10, 16) : first;
  if (!first || !last || *last < *first) {
    return std::nullopt;
  }
  return std::pair(*first, *last);
}

// [[ip:]host-port:]port[-port][/protocol] -> "port/protocol" each. What is wrong with it, or "".
std::string ReadPorts(std::string_view text, std::vector<std::string>& out) {
  std::string protocol = "tcp";
  if (const auto slash = SplitOnce(text, '/')) {
    protocol = ToLowerAscii(slash->second);
    text = slash->first;
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return fmt::format("there is no protocol `{}` (tcp, udp, sctp)", protocol);
  }
  const std::size_t colon = text.rfind(':');
  const std::string_view container = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (container.empty()) {
    return "no port specified";
  }
  const auto range = ParsePortRange(container);
  if (!range) {
    return fmt::format("`{}` is no port (0 to 65535) and no range", container);
  }
  if (colon != std::string_view::npos) {
    const std::string_view front = text.substr(0, colon);
    const std::size_t before = front.rfind(':');
    const std::string_view host = before == std::string_view::npos ? front : front.substr(before + 1);
    if (!host.empty() && !ParsePortRange(host)) {
      return fmt::format("`{}` is no port of the host", host);
    }
  }
  for (std::uint64_t port = range->first; port <= range->second; ++port) {
    out.push_back(fmt::format("{}/{}", port, protocol));
  }
  return {};
}

}  // namespace

Checked<> TargetEvaluation::Workdir(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  LOAM_TRY(CheckArguments(command, WordsOf(command.args)));
  const SourceRange range = range_;
  const std::string path = LOAM_TRY(Expand(WordsOf(command.args)[0]));
  range_ = range;
  const std::string directory = IsAbsPath(path) ? CleanPath(path) : JoinPath(JoinPath("/", state_.directory()), path);
  state_.image.working_dir = Intern(directory);
  if (local_) {
    local_directory_ = directory;
    return {};
  }
  if (directory == "/") {
    return {};
  }
  ir::FileAction make;
  make.kind = ir::FileActionKind::kMkdir;
  make.input = state_.fs.is_scratch() ? -1 : 0;
  make.output = 0;
  make.path = state_.image.working_dir;
  make.mode = 0755;
  make.make_parents = true;
  if (!state_.image.user.empty()) {
    make.owner = Converter::OwnerFrom(state_.image.user, make.input);
  }
  std::vector<ir::Value> operands;
  if (!state_.fs.is_scratch()) {
    operands.push_back(state_.fs);
  }
  state_.fs = graph().Add<ir::OpKind::kFile>(operands, {{&make, 1}});
  Name(state_.fs, fmt::format("WORKDIR {}", path));
  return {};
}

Checked<> TargetEvaluation::User(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  LOAM_TRY(CheckArguments(command, WordsOf(command.args)));
  const std::string user = LOAM_TRY(Expand(WordsOf(command.args)[0]));
  state_.image.user = Intern(user);
  return {};
}

Checked<> TargetEvaluation::CmdOrEntrypoint(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  std::vector<std::string_view> args;
  if (command.exec_mode) {
    for (const ast::earthfile::Word& word : command.args) {
      args.push_back(Intern(word.text));
    }
  } else {
    std::string text;
    for (const Word& word : WordsOf(command.args)) {
      text.append(text.empty() ? "" : " ").append(LOAM_TRY(Expand(word)));
    }
    args = {"/bin/sh", "-c", Intern(text)};
  }
  if (command.kind == CommandKind::kCmd) {
    state_.image.cmd = std::move(args);
    cmd_set_ = true;
    return {};
  }
  state_.image.entrypoint = std::move(args);
  // A CMD of the base belongs to the base's entry point.
  if (!cmd_set_) {
    state_.image.cmd.clear();
  }
  return {};
}

Checked<> TargetEvaluation::Expose(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  LOAM_TRY(CheckArguments(command, WordsOf(command.args)));
  for (const Word& word : WordsOf(command.args)) {
    const std::string text = LOAM_TRY(Expand(word));
    std::vector<std::string> ports;
    if (const std::string wrong = ReadPorts(text, ports); !wrong.empty()) {
      return Fail<Kind::kEarthBadValue>(word.range, "port", text, wrong);
    }
    for (const std::string& port : ports) {
      state_.image.exposed_ports.push_back(Intern(port));
    }
  }
  return {};
}

Checked<> TargetEvaluation::Volume(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  LOAM_TRY(CheckArguments(command, WordsOf(command.args)));
  for (const Word& word : WordsOf(command.args)) {
    const std::string path = LOAM_TRY(Expand(word));
    state_.image.volumes.push_back(Intern(path));
  }
  return {};
}

Checked<> TargetEvaluation::Label(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  LOAM_TRY(CheckArguments(command, WordsOf(command.args)));
  for (const ast::earthfile::KeyValue& pair : command.pairs) {
    const std::string key = LOAM_TRY(Expand(pair.key.text, pair.key.range));
    if (key.starts_with("dev.earthly.")) {
      return Fail<Kind::kEarthBadValue>(pair.key.range, "label", key,
                                        "LABEL keys starting with \"dev.earthly.\" are reserved");
    }
    if (!pair.has_equals) {
      return BadArguments(command, fmt::format("syntax error: `{}` has no value", key));
    }
    const std::string value =
        pair.value.present() ? LOAM_TRY(Expand(pair.value.text, pair.value.range)) : std::string();
    state_.image.labels.emplace_back(Intern(key), Intern(value));
  }
  return {};
}

Checked<> TargetEvaluation::HealthcheckCommand(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  HealthcheckFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  Healthcheck check;
  if (words[0].text == "NONE") {
    check.test = {"NONE"};
  } else {
    std::string text;
    for (const Word& word : std::span(words).subspan(1)) {
      text.append(text.empty() ? "" : " ").append(LOAM_TRY(Expand(word)));
    }
    check.test = {"CMD-SHELL", Intern(text)};
    check.interval = flags.interval.count();
    check.timeout = flags.timeout.count();
    check.start_period = flags.start_period.count();
    check.start_interval = flags.start_interval.count();
    check.retries = flags.retries;
  }
  state_.image.healthcheck = std::move(check);
  return {};
}

}  // namespace loam::sema::earthfile
