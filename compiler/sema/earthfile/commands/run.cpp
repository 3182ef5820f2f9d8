// RUN.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

std::string JoinWords(std::span<const Word> words) {
  std::string out;
  for (const Word& word : words) {
    out.append(out.empty() && &word == words.data() ? "" : " ").append(word.text);
  }
  return out;
}

// The flags as vertex names show them.
std::string FlagText(const RunFlags& flags) {
  std::string out;
  const auto add = [&](bool on, std::string_view text) {
    if (on) {
      out.append(text).append(" ");
    }
  };
  add(flags.raw_output, "--raw-output");
  add(flags.privileged, "--privileged");
  add(flags.push, "--push");
  add(flags.ssh, "--ssh");
  add(flags.no_cache, "--no-cache");
  add(!flags.network.empty(), "--network=none");
  add(flags.interactive, "--interactive");
  add(flags.interactive_keep, "--interactive-keep");
  return out;
}

}  // namespace

Checked<> TargetEvaluation::RunCommandRun(const ast::earthfile::Command& command) {
  LOAM_TRY(CheckArguments(command, {}));
  const SourceRange range = range_;
  RunFlags flags;
  FlagParsing parsing;
  parsing.features = &features_;
  parsing.expand = [this](const Word& value) { return Expand(value); };
  parsing.already_joined = command.exec_mode;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), parsing, flags));
  if (!flags.push) {
    LOAM_TRY(RejectAfterPush());
  }
  if (flags.with_docker) {
    return BadArguments(command, "--with-docker is obsolete. Please use WITH DOCKER ... RUN ... END instead");
  }
  Step step;
  step.secrets = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.secrets), range, true));
  step.mounts = LOAM_TRY(ExpandAll(std::span<const std::string>(flags.mounts), range));
  if (!flags.network.empty() && flags.network != "none") {
    return Fail<Kind::kEarthBadValue>(flags.RangeOf("network", range), "network value", flags.network,
                                      "only \"none\" is currently supported");
  }
  step.oidc = LOAM_TRY(ReadOidc(flags, range));
  step.privileged = flags.privileged;
  step.no_network = !flags.network.empty();
  step.ssh = flags.ssh;
  step.aws = flags.aws;
  step.no_cache = flags.no_cache;
  step.raw = flags.raw_output;
  const std::string text = JoinWords(words);
  step.text = fmt::format("RUN {}{}", FlagText(flags), text);
  if (flags.entrypoint) {
    for (const std::string_view arg : state_.image.entrypoint) {
      step.args.emplace_back(arg);
    }
    if (words.empty()) {
      for (const std::string_view arg : state_.image.cmd) {
        step.args.emplace_back(arg);
      }
    }
    for (const Word& word : words) {
      step.args.push_back(command.exec_mode ? word.text : LOAM_TRY(Expand(word)));
    }
    step.shell = false;
    if (step.args.empty()) {
      return BadArguments(command,
                          "not enough arguments for RUN: the image has no entry point, and no command was given");
    }
  } else if (command.exec_mode) {
    for (const Word& word : words) {
      step.args.push_back(word.text);
    }
    step.shell = false;
    if (step.args.empty()) {
      return BadArguments(command, "not enough arguments for RUN");
    }
  } else {
    step.args = {"/bin/sh", "-c", text};
  }
  range_ = range;
  if ((flags.interactive || flags.interactive_keep) && in_.options().strict) {
    return Fail<Kind::kEarthStrict>(range, "RUN --interactive");
  }
  if (step.privileged && !allow_privileged_) {
    return Fail<Kind::kEarthPermission>(range, "run privileged command")
        .Hint("did you reference a remote Earthfile without the --allow-privileged flag?");
  }
  if (docker_) {
    if (docker_->ran) {
      return Fail<Kind::kEarthWithDocker>(range, "only one RUN command allowed in WITH DOCKER");
    }
    if (flags.push) {
      return Fail<Kind::kEarthWithDocker>(range, "RUN --push not allowed in WITH DOCKER");
    }
    docker_->ran = true;
    return RunInDocker(std::move(step), flags, range);
  }
  return local_ ? RunLocally(step, flags, range) : RunNormally(std::move(step), flags, range);
}

Checked<std::string> TargetEvaluation::ReadOidc(const RunFlags& flags, SourceRange range) {
  if (!flags.IsGiven("oidc")) {
    return std::string();
  }
  range = flags.RangeOf("oidc", range);
  if (!flags.aws) {
    return Fail<Kind::kEarthBadValue>(range, "flag", "--oidc", "RUN --oidc also requires the --aws RUN flag");
  }
  const std::string text = LOAM_TRY(Expand(flags.oidc, range));
  const auto wrong = [&](std::string_view message) {
    return Fail<Kind::kEarthBadValue>(range, "value for oidc flag:", fmt::format("1 error(s) decoding `{}`", text),
                                      message);
  };
  bool has_role = false;
  bool has_session = false;
  for (const std::string_view part : Split(text, ',')) {
    if (TrimSpace(part).empty()) {
      continue;
    }
    const auto pair = SplitOnce(part, '=');
    if (!pair || TrimSpace(pair->second).empty()) {
      return wrong("it is a list of key=value");
    }
    const std::string_view key = TrimSpace(pair->first);
    const std::string_view value = TrimSpace(pair->second);
    if (key == "role-arn") {
      has_role = true;
      if (!value.starts_with("arn:")) {
        return wrong("role-arn is no ARN");
      }
    } else if (key == "session-name") {
      has_session = true;
    } else if (key == "session-duration") {
      std::int64_t seconds = 0;
      std::size_t at = 0;
      while (at < value.size()) {
        std::int64_t number = 0;
        const std::size_t begin = at;
        for (; at < value.size() && value[at] >= '0' && value[at] <= '9' && number < 1'000'000; ++at) {
          number = number * 10 + (value[at] - '0');
        }
        if (at == begin || at == value.size() || std::string_view("hms").find(value[at]) == std::string_view::npos) {
          return wrong("session-duration is no duration such as 900s or 1h");
        }
        seconds += number * (value[at] == 'h' ? 3600 : value[at] == 'm' ? 60 : 1);
        ++at;
      }
      if (seconds < 900 || seconds > 43200) {
        return wrong("session-duration must be between 900s and 43200s");
      }
    } else if (key != "region") {
      return wrong(fmt::format("`{}` is no key of it", key));
    }
  }
  if (!has_role || !has_session) {
    return wrong(fmt::format("{} must be specified", has_role ? "session-name" : "role-arn"));
  }
  return text;
}

Checked<> TargetEvaluation::RunLocally(const Step& step, const RunFlags& flags, SourceRange range) {
  const auto reject = [&](std::string_view what) { return Fail<Kind::kEarthNotLocally>(range, what); };
  if (!step.secrets.empty()) {
    return reject("RUN --secret");
  }
  if (!step.mounts.empty()) {
    return reject("RUN --mount");
  }
  if (step.ssh) {
    return reject("RUN --ssh");
  }
  if (step.privileged) {
    return reject("RUN --privileged");
  }
  if (flags.interactive || flags.interactive_keep) {
    return reject("RUN --interactive");
  }
  if (flags.push) {
    return reject("RUN --push");
  }
  if (step.no_network) {
    return reject("RUN --network=none");
  }
  if (step.aws) {
    return reject("RUN --aws");
  }
  const ProcessResult result = LOAM_TRY(RunOnHost(step.args, step.text, false, false, step.raw));
  if (result.exit_code != 0) {
    return Fail<Kind::kEarthCommandFailed>(range, step.text, result.exit_code);
  }
  return {};
}

Checked<> TargetEvaluation::RunNormally(Step step, const RunFlags& flags, SourceRange range) {
  if (step.privileged && !in_.options().allow_privileged) {
    return Fail<Kind::kEarthPermission>(range, "run privileged command without consent")
        .Hint("allow it with --allow-privileged (-P) on the command line");
  }
  if (flags.push) {
    result_->read_push = true;
    if (!call_.pushes) {
      if (!Has(Feature::kWaitBlock)) {
        push_only_ = true;
      }
      if (call_.saves) {
        in_.NoteOnce(fmt::format("{} | {} (disabled): use --push to run it", name_, step.text));
      }
      return {};
    }
    step.no_cache = true;
  }
  if (flags.interactive || flags.interactive_keep) {
    step.no_cache = true;
  }
  if (flags.push && !Has(Feature::kWaitBlock)) {
    const ir::Value base = result_->push_state.value_or(state_.fs);
    result_->push_state = LOAM_TRY(AddStep(step, base));
    push_only_ = true;
    return {};
  }
  const ir::Value made = LOAM_TRY(AddStep(step, state_.fs));
  if (flags.interactive || flags.interactive_keep) {
    ran_interactive_ = true;
    const InteractiveStep session{NameOfStep(step.text), made, flags.interactive_keep};
    if (auto done = in_.effects().RunInteractive(graph(), session); !done) {
      return FailWith(range, std::move(done).error());
    }
    if (flags.interactive) {
      return {};
    }
  }
  state_.fs = made;
  if (in_try_) {
    const TryStep attempt{NameOfStep(step.text), made, try_files_};
    if (auto done = in_.effects().RunTry(graph(), attempt); !done) {
      return FailWith(range, std::move(done).error());
    }
  }
  return {};
}

}  // namespace loam::sema::earthfile
