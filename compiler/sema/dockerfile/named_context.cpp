// Named contexts: `--build-context name=…` stands for an image or a stage of that name.
#include <fmt/format.h>

#include "base/base64.h"
#include "base/image_reference.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/git_source.h"
#include "compiler/sema/dockerfile/json_reader.h"
#include "compiler/sema/dockerfile/local_source.h"

namespace loam::sema {
namespace {

// Environment, directory and platform of an image config, as they start a state.
void ApplyConfig(const ImageConfig& config, State& state, ir::Graph& graph) {
  for (const std::string_view entry : config.env) {
    const std::size_t equals = entry.find('=');
    if (equals != 0 && !entry.empty()) {
      state.env.Set(entry.substr(0, equals),
                    equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1));
    }
  }
  if (!config.working_dir.empty()) {
    state.dir = config.working_dir;
  }
  if (!config.platform.architecture.empty() && !config.platform.os.empty()) {
    state.platform = NormalizePlatform(config.platform, graph);
  }
}

// The image config in what a build says about its result: an object of base64 texts. "" if there is none.
Result<std::string> ImageConfigOfMetadata(std::string_view metadata) {
  const auto bad = [] {
    return Unexpected(ErrorCode::kInvalidArgument, "the metadata of the input is no JSON object of base64 texts");
  };
  JsonReader reader(metadata);
  std::string encoded;
  for (bool more = reader.BeginObject(); more; more = reader.NextField()) {
    if (reader.key() == "containerimage.config") {
      encoded = reader.String();
    } else {
      reader.Skip();
    }
  }
  auto text = Base64Decode(encoded);
  if (!reader.ok() || !reader.AtEnd() || !text) {
    return bad();
  }
  return std::move(*text);
}

}  // namespace

std::optional<std::pair<std::string, std::string>> Converter::FindContext(std::string_view name,
                                                                          const ir::Platform* platform) {
  if (options().contexts.empty() || EqualsIgnoreCase(name, "scratch") || EqualsIgnoreCase(name, "context")) {
    return std::nullopt;
  }
  const auto reference = ParseImageReference(name);
  if (!reference) {
    return std::nullopt;
  }
  std::string familiar = reference->Familiar();
  if (familiar.ends_with(":latest")) {
    familiar.resize(familiar.size() - 7);
  }
  const ir::Platform wanted = NormalizePlatform(platform != nullptr ? *platform : target_platform_, graph());
  for (const std::string& key : {fmt::format("{}::{}", familiar, FormatPlatformFull(wanted)), familiar}) {
    const auto found = options().contexts.find(key);
    if (found != options().contexts.end()) {
      return std::pair(key, found->second);
    }
  }
  return std::nullopt;
}

bool Converter::LoadContext(std::string_view spec, std::string_view name, const ir::Platform* platform, Stage& stage) {
  const auto fail = [&](std::string_view message) {
    emitter_.Emit<Kind::kBadContext>({}, name, message);
    return false;
  };
  const std::size_t colon = spec.find(':');
  if (colon == std::string_view::npos) {
    return fail(fmt::format("`{}` has no scheme such as docker-image:// or local:", spec));
  }
  std::string_view scheme = spec.substr(0, colon);
  std::string_view rest = spec.substr(colon + 1);
  if (scheme.starts_with("git@")) {
    scheme = "git";
  }
  const ir::Platform wanted = platform != nullptr ? *platform : target_platform_;
  stage.state = State();

  if (scheme == "docker-image" || scheme == "oci-layout") {
    const std::string_view text = rest.starts_with("//") ? rest.substr(2) : rest;
    if (scheme == "docker-image" && text == "scratch") {
      return true;
    }
    // An OCI layout is asked for under the context's name with the digest; the store is what stands in front of it.
    const bool layout = scheme == "oci-layout";
    const std::size_t at = text.rfind('@');
    if (layout && at == std::string_view::npos) {
      return fail(fmt::format("the reference `{}` has no digest", text));
    }
    auto reference = ParseImageReference(layout ? name.substr(0, name.find("::")) : text);
    if (!reference) {
      return fail(reference.error().message());
    }
    std::string store;
    if (layout) {
      reference->digest = text.substr(at + 1);
      store = text.substr(0, at);
      if (const std::size_t tag = store.rfind(':');
          tag != std::string::npos && store.find('/', tag) == std::string::npos) {
        store.resize(tag);
      }
    }
    const std::string ref = layout ? reference->ToString() : reference->WithDefaultTag().ToString();
    ImageQuery query;
    query.ref = ref;
    query.platform = wanted;
    query.resolve_mode = options().image_resolve_mode;
    const std::string log_name =
        fmt::format("[context {}] load metadata for {}", name, layout ? ref : std::string(text));
    query.log_name = log_name;
    if (layout) {
      query.oci_store = OciStore{options().session_id, store};
    }
    auto metadata = QueryImage(query);
    if (!metadata) {
      if (const auto* const replaced = metadata.error().Detail<ImageReplaced>()) {
        // Not an image again: this ends.
        std::string_view identifier = replaced->identifier;
        const std::size_t separator = identifier.find("://");
        if (separator != std::string_view::npos && !identifier.starts_with("docker-image:") &&
            !identifier.starts_with("oci-layout:")) {
          return LoadContext(
              Intern(fmt::format("{}:{}", identifier.substr(0, separator),
                                 identifier.substr(identifier.starts_with("http") ? separator + 1 : separator + 3))),
              name, platform, stage);
        }
      }
      return fail(metadata.error().message());
    }
    auto config = ParseImageConfig(metadata->config, graph());
    if (!config) {
      return fail(config.error().message());
    }
    stage.base_config = std::move(metadata->config);
    std::vector<ir::KeyValue> attrs;
    ir::Value made;
    if (layout) {
      if (!options().session_id.empty()) {
        attrs.push_back({"oci.session", options().session_id});
      }
      attrs.push_back({"oci.store", store});
      made =
          graph().Add<ir::OpKind::kSourceOciLayout>({}, {ref, attrs}, {.platform = &wanted, .worker_constraints = {}});
    } else {
      const std::string resolved = metadata->ref.empty() ? ref : metadata->ref;
      made = graph().Add<ir::OpKind::kSourceImage>({}, {resolved, {}}, {.platform = &wanted, .worker_constraints = {}});
    }
    stage.state.fs = AddStep(made, Named(layout ? fmt::format("[context {}] OCI load from client", name)
                                                : fmt::format("[context {}] {}", name, text),
                                         nullptr, {}));
    stage.image = std::move(*config);
    ApplyConfig(stage.image, stage.state, graph());
    return true;
  }
  if (scheme == "git" || scheme == "http" || scheme == "https") {
    const auto git = ParseGitReference(spec);
    if (!git) {
      return fail(git.error().message());
    }
    if (*git) {
      stage.state.fs =
          AddStep(AddGitSource(graph(), **git), Named(fmt::format("[internal] load git source {}", spec), nullptr, {}));
      return true;
    }
    if (scheme == "git") {
      return fail(fmt::format("`{}` is no git reference", spec));
    }
    const ir::KeyValue attrs[] = {{"http.filename", "context"}};
    stage.state.fs = AddStep(graph().Add<ir::OpKind::kSourceHttp>({}, {spec, attrs}),
                             Named(fmt::format("[context {}] {}", name, spec), nullptr, {}));
    return true;
  }
  if (scheme == "local") {
    LocalContext& local = local_contexts_.emplace_back();
    local.name = name;
    local.directory = rest;
    local.paths = stage.paths;
    local.fs = AddStep(graph().AddOpen(ir::OpKind::kSourceLocal),
                       Named(fmt::format("[context {}] load from client", name), nullptr, {}));
    stage.state.fs = local.fs;
    return true;
  }
  if (scheme == "input") {
    auto input = input_.host->LoadInput(graph(), rest);
    if (!input) {
      return fail(input.error().message());
    }
    stage.state.fs = AddStep(*input, {});
    const auto metadata = options().input_metadata.find(std::string(rest));
    if (metadata == options().input_metadata.end()) {
      return true;
    }
    auto text = ImageConfigOfMetadata(metadata->second);
    if (!text) {
      return fail(text.error().message());
    }
    if (text->empty()) {
      return true;
    }
    auto config = ParseImageConfig(*text, graph());
    if (!config) {
      return fail(config.error().message());
    }
    stage.base_config = std::move(*text);
    stage.image = std::move(*config);
    ApplyConfig(stage.image, stage.state, graph());
    return true;
  }
  if (scheme == "target") {
    return fail("contexts of the kind `target:` are other builds, which this compile does not make");
  }
  return fail(
      fmt::format("`{}` is no kind of context (docker-image, oci-layout, git, http, https, local, input)", scheme));
}

bool Converter::CloseLocalContexts() {
  for (LocalContext& local : local_contexts_) {
    LocalSource source;
    source.name = local.directory;
    const auto key = options().shared_keys.find(local.name);
    source.shared_key_hint =
        fmt::format("context:{}-{}", local.name, key == options().shared_keys.end() ? std::string() : key->second);
    source.follow_paths = *local.paths;
    if (options().read_dockerignore) {
      auto text = input_.host->ReadContextFile(local.directory, ".dockerignore");
      if (text) {
        source.exclude_patterns = ParseIgnoreFile(*text);
      }
    }
    CloseLocalSource(graph(), local.fs.value, source, options());
  }
  return true;
}

}  // namespace loam::sema
