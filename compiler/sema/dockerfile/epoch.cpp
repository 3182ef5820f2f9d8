// SOURCE_DATE_EPOCH: seconds since 1970, or the name of what the time is taken from.
#include <fmt/format.h>

#include "base/clock.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/git_source.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/remote_context.h"

namespace loam::sema {
namespace {

constexpr std::string_view kEpoch = "SOURCE_DATE_EPOCH";

tl::unexpected<Error> Bad(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

// What the server or the repository says, else the newest file of an archive.
Result<std::optional<std::int64_t>> TimeOf(ir::Graph& graph, ir::Value source, BuildHost& host) {
  const std::optional<std::int64_t> time = LOAM_TRY(host.SourceTime(graph, source));
  if (time || graph.node(source).kind() != ir::OpKind::kSourceHttp) {
    return time;
  }
  return ArchiveTime(graph, source, host);
}

}  // namespace

// The one remote source of a stage that is `FROM scratch` with nothing but ARGs and an ADD.
Result<ir::Value> Converter::EpochSource(const ast::Stage& stage) {
  Environment env = global_;
  env.Remove(kEpoch);
  const auto expand = [&](const ast::Text& text) -> Result<std::string> {
    WordExpander expander(env, {.escape = escape()});
    std::string out;
    if (!expander.Expand(text.text, out)) {
      return Bad(expander.error());
    }
    return out;
  };
  if (LOAM_TRY(expand(stage.from->base)) != "scratch") {
    return Bad("its stage must be `FROM scratch`");
  }
  std::optional<ir::Value> source;
  for (const ast::Instruction* instruction : stage.instructions) {
    if (const auto* arg = ast::As<ast::Arg>(instruction)) {
      for (const ast::ArgItem& item : arg->items) {
        const auto given = build_args_.find(std::string(item.key.text));
        if (given != build_args_.end()) {
          env.Set(item.key.text, given->second);
        } else if (item.has_value) {
          env.Set(item.key.text, Intern(LOAM_TRY(expand(item.value))));
          if (!WithinBudget(item.value.text, RangeOf(item.value, *arg))) {
            return Bad("its arguments get too long");
          }
        }
      }
      continue;
    }
    const auto* add = ast::As<ast::Add>(instruction);
    if (add == nullptr || source || add->sources.size() != 1 || add->sources.front().heredoc != nullptr) {
      return Bad("its stage must hold nothing but ARGs and one ADD of a remote source");
    }
    const std::string url = LOAM_TRY(expand(add->sources.front().path));
    const std::string checksum = LOAM_TRY(expand(add->checksum));
    auto git = LOAM_TRY(ParseGitReference(url));
    if (git && !git->like_local_path) {
      git->keep_git_dir = add->keep_git_dir.value_or(false) || git->keep_git_dir.value_or(false);
      git->checksum = checksum.empty() ? git->checksum : checksum;
      git->mtime.clear();
      git->fetch_by_commit = false;
      source = AddGitSource(graph(), *git);
    } else if (IsHttpSource(url)) {
      const std::string file = HttpFileName(url);
      std::vector<ir::KeyValue> attrs;
      if (!checksum.empty()) {
        attrs.push_back({"http.checksum", checksum});
      }
      attrs.push_back({"http.filename", file});
      source = graph().Add<ir::OpKind::kSourceHttp>({}, {url, attrs});
    } else {
      return Bad(fmt::format("`{}` is no HTTP(S) or git source", url));
    }
  }
  return source ? Result<ir::Value>(*source) : Result<ir::Value>(Bad("its stage has no ADD"));
}

Result<std::optional<std::int64_t>> Converter::EpochFrom(std::string_view name) {
  if (name == "context") {
    // A local directory has no time, nor has what another build made.
    if (options().remote_context.empty()) {
      return std::optional<std::int64_t>();
    }
    MainContext();
    return context_source_.is_scratch() ? Result<std::optional<std::int64_t>>(std::nullopt)
                                        : TimeOf(graph(), context_source_, *input_.host);
  }
  if (const auto context = FindContext(name, nullptr)) {
    Stage* stage = NewUnregistered(name, {}, {});
    if (!LoadContext(context->second, context->first, nullptr, *stage)) {
      return Bad("its context cannot be loaded");
    }
    const ir::Value source = stage->state.fs.value;
    const bool timed = !source.is_scratch() && (graph().node(source).kind() == ir::OpKind::kSourceGit ||
                                                graph().node(source).kind() == ir::OpKind::kSourceHttp);
    return timed ? TimeOf(graph(), source, *input_.host) : Result<std::optional<std::int64_t>>(std::nullopt);
  }
  for (const ast::Stage& stage : input_.file->stages) {
    if (!stage.from->stage_id.empty() && EqualsIgnoreCase(stage.from->stage_id, name)) {
      return TimeOf(graph(), LOAM_TRY(EpochSource(stage)), *input_.host);
    }
  }
  return Bad("give seconds since 1970, `context`, or the name of a stage or context that is a remote source");
}

bool Converter::ResolveEpoch() {
  const auto given = build_args_.find(std::string(kEpoch));
  std::string value;
  if (given != build_args_.end()) {
    value = given->second;
  } else if (const auto global = global_.Find(kEpoch); global && !global->empty()) {
    value = *global;
  } else {
    return true;
  }
  epoch_ = ParseInt(value, 10, 64);
  if (!epoch_ && !value.empty()) {
    const auto resolved = EpochFrom(value);
    if (!resolved) {
      emitter_.Emit<Kind::kBadEpoch>({}, value, resolved.error().message());
      return false;
    }
    epoch_ = *resolved;
  }
  if (!epoch_) {
    if (given != build_args_.end()) {
      build_args_.erase(given);
    }
    global_.Remove(kEpoch);
    return true;
  }
  const std::string seconds = std::to_string(*epoch_);
  if (given != build_args_.end()) {
    given->second = seconds;
  }
  if (global_.Find(kEpoch)) {
    global_.Set(kEpoch, Intern(seconds));
  }
  epoch_text_ = Intern(FormatRfc3339(WallTime(std::chrono::seconds(*epoch_))));
  return true;
}

}  // namespace loam::sema
