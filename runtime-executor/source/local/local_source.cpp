#include "runtime-executor/source/local/local_source.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/go_bool.h"
#include "base/go_json.h"
#include "base/strings.h"
#include "runtime-executor/solver/transfer_status.h"

namespace loam::source {
namespace {

using nlohmann::json;

// Attributes of LLB's local source.
constexpr std::string_view kInclude = "local.includepattern";
constexpr std::string_view kExclude = "local.excludepatterns";
constexpr std::string_view kFollow = "local.followpaths";
constexpr std::string_view kSession = "local.session";
constexpr std::string_view kSharedKeyHint = "local.sharedkeyhint";
constexpr std::string_view kDiffer = "local.differ";
constexpr std::string_view kMetadataTransfer = "local.metadatatransfer";
constexpr std::string_view kMetadataExceptions = "local.metadatatransferexclude";

Result<std::vector<std::string>> ParseList(const std::string& key, const std::string& text) {
  const auto invalid = [&] {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not a JSON list of texts: {}", key, text));
  };
  const json parsed = json::parse(text, nullptr, false);
  std::vector<std::string> list;
  if (parsed.is_null()) {
    return list;
  }
  if (!parsed.is_array()) {
    return invalid();
  }
  for (const json& item : parsed) {
    if (!item.is_string()) {
      return invalid();
    }
    list.push_back(item.get<std::string>());
  }
  return list;
}

// As Go's encoding/json prints a []string; nil for an empty one.
std::string GoList(const std::vector<std::string>& list) {
  if (list.empty()) {
    return "null";
  }
  std::vector<std::string> quoted;
  for (const std::string& item : list) {
    quoted.push_back(GoJsonString(item));
  }
  return "[" + Join(quoted, ",") + "]";
}

class LocalInstance final : public SourceInstance {
 public:
  explicit LocalInstance(session::LocalDirRequest request) : request_(std::move(request)) {}

  Result<SourceKey> Resolve(SourceContext&) override {
    // The same members as upstream hashes; the key holds for one client only, so nothing is found by it.
    std::string text = fmt::format(R"({{"SessionID":{},"IncludePatterns":{},"ExcludePatterns":{},"FollowPaths":{})",
                                   GoJsonString(request_.session_id), GoList(request_.include_patterns),
                                   GoList(request_.exclude_patterns), GoList(request_.follow_paths));
    if (request_.metadata_only) {
      text += R"(,"MetadataTransfer":true)";
    }
    if (!request_.metadata_exceptions.empty()) {
      text += fmt::format(R"(,"MetadataExceptions":{})", GoList(request_.metadata_exceptions));
    }
    text += "}";
    const Digest digest = Digest::Of(text);
    SourceKey key;
    key.keys = {fmt::format("session:{}:{}", request_.name, digest.ToString())};
    key.pin = digest.ToString();
    key.transient = true;
    key.preimage.fields = {{"op", "source"}, {"source", "local://" + request_.name}};
    const auto add = [&](std::string_view name, const std::vector<std::string>& list) {
      if (!list.empty()) {
        key.preimage.fields.push_back({fmt::format("attr:{}", name), GoList(list)});
      }
    };
    add(kInclude, request_.include_patterns);
    add(kExclude, request_.exclude_patterns);
    add(kFollow, request_.follow_paths);
    add(kMetadataExceptions, request_.metadata_exceptions);
    return key;
  }

  Result<snapshot::FsRef> Fetch(SourceContext& context) override {
    session::LocalDirRequest asked = request_;
    solver::TransferStatus status(fmt::format("transferring {}:", request_.name), "transferring", context.progress);
    asked.progress = status.Callback();
    session::LocalDir dir = LOAM_TRY(context.client->local_dirs()->Open(asked, context.stop));
    status.CompleteIfAny();
    snapshot::HostTreeOptions options;
    if (!dir.filtered) {
      options.filter = {request_.include_patterns, request_.exclude_patterns, request_.follow_paths};
    }
    options.directory = std::move(dir.directory);
    options.give_away = std::move(dir.give_away);
    auto tree = LOAM_TRY_CONTEXT(fmt::format("directory `{}` of the client", request_.name),
                                 snapshot::HostTree::OpenWith(dir.path, std::move(options)));
    if (dir.keep != nullptr) {
      // The tree lives as long as the transferred directory is kept for it.
      struct Both {
        std::shared_ptr<const snapshot::HostTree> tree;
        std::shared_ptr<void> keep;
      };
      auto both = std::make_shared<Both>(Both{std::move(tree), dir.keep});
      tree = std::shared_ptr<const snapshot::HostTree>(both, both->tree.get());
    }
    return snapshot::FsRef(std::move(tree));
  }

 private:
  const session::LocalDirRequest request_;
};

class LocalSource final : public Source {
 public:
  [[nodiscard]] std::vector<std::string> Schemes() const override { return {"local"}; }

  Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request, std::string_view reference) override {
    session::LocalDirRequest dir;
    dir.name = reference;
    for (const auto& [key, value] : request.attributes) {
      if (key == kInclude) {
        dir.include_patterns = LOAM_TRY(ParseList(key, value));
      } else if (key == kExclude) {
        dir.exclude_patterns = LOAM_TRY(ParseList(key, value));
      } else if (key == kFollow) {
        dir.follow_paths = LOAM_TRY(ParseList(key, value));
      } else if (key == kSharedKeyHint) {
        dir.shared_key_hint = value;
      } else if (key == kSession) {
        dir.session_id = value;
        if (const auto pair = SplitOnce(value, ':')) {
          dir.name = std::string(pair->first) + "-" + dir.name;
          dir.session_id = pair->second;
        }
      } else if (key == kDiffer) {
        dir.refetch = value == "none";
      } else if (key == kMetadataTransfer) {
        const std::optional<bool> wanted = ParseGoBool(value);
        if (!wanted) {
          return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is neither true nor false: {}", key, value));
        }
        dir.metadata_only = *wanted;
      } else if (key == kMetadataExceptions) {
        dir.metadata_exceptions = LOAM_TRY(ParseList(key, value));
      }
    }
    return std::make_unique<LocalInstance>(std::move(dir));
  }
};

}  // namespace

std::unique_ptr<Source> MakeLocalSource() {
  return std::make_unique<LocalSource>();
}

}  // namespace loam::source
